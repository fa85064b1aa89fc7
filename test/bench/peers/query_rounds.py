"""Asks in turn through the connection runtime of a generated project and through a bare psycopg connection."""

import json
import os
import sys
import time
from collections.abc import Callable

import psycopg
from psycopg.rows import dict_row

from lambdapg_runtime import Database, settings_from_environment

sql, rounds, per_round = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
database = Database(lambda: settings_from_environment(os.environ))
bare = psycopg.connect(autocommit=True, prepare_threshold=None, row_factory=dict_row)


def ask_bare() -> None:
    bare.execute(sql).fetchall()


def ask_ours() -> None:
    database.query(sql)


def measure(ask: Callable[[], None]) -> float:
    """Microseconds for each query."""
    began = time.perf_counter()
    for _ in range(per_round):
        ask()
    return (time.perf_counter() - began) / per_round * 1_000_000


WARM_UP = 5
found: dict[str, list[float]] = {"subject": [], "peer": []}
for number in range(WARM_UP + rounds):
    turns = [("subject", ask_ours), ("peer", ask_bare)]
    for name, ask in turns if number % 2 else reversed(turns):
        taken = measure(ask)
        if number >= WARM_UP:
            found[name].append(taken)
print(json.dumps(found))
