"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Cursor
from psycopg.abc import Params, QueryNoTemplate as Query
from psycopg.rows import DictRow

from .connection import Connection, Session

_SILENCE_S = 1.0
"""How much longer than the time limit the server's word on it may take."""
_READ_WITHIN_S = 0.1
"""How long the thread that waits for an answer may take to read it."""


class Transaction:
    def __init__(self, connection: Connection, session: Session, timeout_ms: int | None) -> None:
        self._connection = connection
        self._session: Session | None = session
        self._timeout_ms = timeout_ms

    def query(self, sql: Query, params: Params | None = None) -> list[DictRow]:
        """Runs one statement of the transaction and returns its rows."""
        return rows_of(self._run(sql, params))

    def begin(self) -> None:
        limit = self._timeout_ms
        if limit is None:
            self._run("begin")
        elif limit < 1:
            raise ValueError(f"timeout_ms {limit} is no time limit")
        else:
            # Ends with the transaction: a SET of the session would pin a session of RDS Proxy.
            self._run(f"begin; set local statement_timeout = {limit:d}".encode())

    def commit(self) -> bool:
        """False where PostgreSQL rolled back instead, because a statement had failed."""
        return self._run("commit").statusmessage == "COMMIT"

    def end(self) -> None:
        self._session = None

    def _run(self, sql: Query, params: Params | None = None) -> Cursor[DictRow]:
        if self._session is None:
            raise RuntimeError("the transaction is over: its tx.query cannot be used any more")
        if self._timeout_ms is None:
            return self._connection.run(self._session, sql, params)
        with _limit_silence(self._session, self._timeout_ms):
            return self._connection.run(self._session, sql, params)


@contextmanager
def _limit_silence(session: Session, timeout_ms: int) -> Iterator[None]:
    """The server ends a statement itself; where not even that is heard, closing the socket ends the wait."""
    answered = threading.Event()
    timer = threading.Timer(timeout_ms / 1_000 + _SILENCE_S, _hang_up, [session, answered])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        answered.set()
        timer.cancel()


def _hang_up(session: Session, answered: threading.Event) -> None:
    # In a process that stood still the time is over before what came meanwhile is read.
    while not answered.wait(_READ_WITHIN_S):
        if select.select([session.pgconn.socket], [], [], 0)[0]:
            continue
        # A copy of the descriptor: libpq closes its own.
        with socket.socket(fileno=os.dup(session.pgconn.socket)) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        return


def rows_of(cursor: Cursor[DictRow]) -> list[DictRow]:
    # `description` would describe every column only to say that there are some.
    return [] if cursor.rownumber is None else cursor.fetchall()
