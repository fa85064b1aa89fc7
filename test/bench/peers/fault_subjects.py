"""One execution environment with the client that is named: `invoke` asks once, `storm <n> <seconds>` is as many at once,
each of which holds a slot for so long."""

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy

from lambdapg_runtime import Database, settings_from_environment
from lambdapg_runtime.sqlalchemy_engine import create_engine


def over_engine(engine: sqlalchemy.Engine) -> tuple[Callable[[str], Any], Callable[[], Any]]:
    def ask(sql: str) -> Any:
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text(sql)).all()

    return ask, engine.dispose


def make_lambdapg() -> tuple[Callable[[str], Any], Callable[[], Any]]:
    database = Database(lambda: settings_from_environment(os.environ))
    return database.query, database.close


SUBJECTS = {
    "lambdapg": make_lambdapg,
    "lambdapg engine": lambda: over_engine(create_engine(lambda: settings_from_environment(os.environ))),
    # libpq takes everything from its variables.
    "SQLAlchemy": lambda: over_engine(sqlalchemy.create_engine("postgresql+psycopg://")),
}
make = SUBJECTS[sys.argv[1]]
subject_ask, _ = make()


def visit(seconds: float) -> int:
    ask, close = make()
    try:
        ask(f"select pg_sleep({seconds})")
        return 0
    except Exception:
        return 1
    finally:
        close()


def run(line: str) -> dict[str, Any]:
    op, *numbers = line.split()
    if op == "storm":
        count, seconds = int(numbers[0]), float(numbers[1])
        with ThreadPoolExecutor(count) as pool:
            return {"failed": sum(pool.map(visit, [seconds] * count))}
    try:
        subject_ask("select 1")
        return {"failed": 0}
    except Exception as error:
        return {"failed": 1, "error": str(error)}


for text in sys.stdin:
    print(json.dumps(run(text)), flush=True)
