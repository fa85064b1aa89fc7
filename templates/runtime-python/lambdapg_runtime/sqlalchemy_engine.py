"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

# Only projects that have SQLAlchemy import this file.
# pyright: reportMissingImports=false

from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy
from psycopg.rows import tuple_row
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from .connection import Connection
from .probe import Handler, with_probe as with_probe_of
from .settings import Settings

_connections: WeakKeyDictionary[Engine, Connection] = WeakKeyDictionary()


def create_engine(read_settings: Callable[[], Settings], *, echo: bool = False) -> Engine:
    """An engine with one connection: the runtime's, with its credentials, its TLS and its patience. It is opened at
    first use, kept while the environment is frozen, and replaced when it died, before anything is sent.

    `read_settings` is called once, at the first connection. `echo` logs every statement.
    """
    connection = Connection(cache(read_settings))

    def creator() -> Any:
        session: Any = connection.ready()
        # SQLAlchemy begins transactions itself, and reads rows by position.
        session.autocommit = False
        session.row_factory = tuple_row
        return session

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=creator,
        echo=echo,
        # An execution environment answers one request at a time. Who waits for the connection holds it already.
        pool_size=1,
        max_overflow=0,
        pool_timeout=5,
        # The values of a failed statement would stand in the log.
        hide_parameters=True,
        # Would ask the first connection for a type that few have.
        use_native_hstore=False,
    )

    # Instead of pool_pre_ping, which costs a round trip each time: the runtime asks only after a pause.
    @event.listens_for(engine, "checkout")
    def look_before_use(session: object, _record: object, _proxy: object) -> None:
        if connection.ready() is not session:
            raise DisconnectionError("the connection died while it was not used, or its login changed")

    @event.listens_for(engine, "after_cursor_execute")
    def answered(*_: object) -> None:
        connection.answered()

    _connections[engine] = connection
    return engine


def with_probe(engine: Engine) -> Callable[[Handler], Handler]:
    """`lambdapg_runtime.with_probe`, for one that `create_engine` has made: `with_probe(engine)(handler)`."""
    return with_probe_of(_connections[engine])
