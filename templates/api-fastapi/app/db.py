"""This file is yours. It opens nothing: the first statement does, and the connection then stays open for as long as the
execution environment lives, through every freeze. A connection that died is replaced before the next statement, and one
whose login was rotated is exchanged.

The settings are libpq's variables (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE, PGSSLROOTCERT).
`lambdapg dev` sets them; see .env.example for what each one means. In the cloud LAMBDAPG_SECRET_ARN or
LAMBDAPG_DB_AUTH=iam stand for the password.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from lambdapg_runtime import Settings, reader_environment, settings_from_environment
from lambdapg_runtime.sqlalchemy_engine import create_engine


def _settings(env: Mapping[str, str]) -> Settings:
    # Shorter than the functions' timeout in lambdapg.json, so that an unreachable database is an error with a reason.
    return replace(settings_from_environment(env), connect_timeout_ms=5_000)


engine = create_engine(lambda: _settings(os.environ))
# The reader, where there is one, has a connection of its own, and may be a moment behind.
_has_reader = bool(os.environ.get("PGHOST_READER"))
read_engine = create_engine(lambda: _settings(reader_environment(os.environ))) if _has_reader else engine

# What was committed can be answered without reading it again.
new_session = sessionmaker(engine, expire_on_commit=False)
"""`with new_session() as session: ...` where there is no request. There is one connection: close it before the next."""


def session() -> Iterator[Session]:
    """A request's session: `session: DbSession` in a route. What is not committed is rolled back."""
    with new_session() as opened:
        yield opened


def read_session() -> Iterator[Session]:
    """`session: ReadSession` in a route that reads alone, and does not mind what was written a moment ago."""
    with Session(read_engine) as opened:
        yield opened


def broke_constraint(error: IntegrityError, name: str) -> bool:
    """Whether PostgreSQL refused a statement because of the constraint `name` (they are named in `migrations/`)."""
    diagnosis = getattr(error.orig, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == name
