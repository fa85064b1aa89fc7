"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import select
import time
from collections.abc import Callable

import psycopg
from psycopg.abc import Params, QueryNoTemplate as Query
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from .open_session import Session, open_session
from .settings import Settings

_LOOK_AFTER_S = 0.01
"""Unused for longer: look whether the server said goodbye (no round trip). Less is no freeze worth the name."""
_ASK_AFTER_S = 1.0
"""Unused for longer: ask the server whether it is there (one round trip)."""
_ANSWER_WITHIN_S = 2.0
"""How long the answer may take before the connection counts as dead."""


class Connection:
    """The one connection of an execution environment: opened at first use, kept while the environment is frozen,
    replaced when it died. Nothing that was sent is ever sent again: a statement whose answer was lost may have
    been executed."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._session: Session | None = None
        # Whether there ever was one: then a server that does not listen is one that is being restarted.
        self._opened = False
        # When the server last answered. Wall clock: a monotonic one may stand still while frozen.
        self._proven_at = 0.0

    def ready(self) -> Session:
        """A session that was alive a moment ago."""
        if self._session is not None and not self._is_alive(self._session):
            self.drop()
        if self._session is None:
            self._session = open_session(self._settings(), self._opened)
            self._opened = True
            self._proven_at = time.time()
        return self._session

    def run(self, session: Session, sql: Query, params: Params | None) -> psycopg.Cursor[DictRow]:
        """Runs one statement. libpq itself knows afterwards whether the session outlived an error."""
        cursor = session.execute(sql, params)
        self._proven_at = time.time()
        return cursor

    def answered(self) -> None:
        """The server has just answered a statement that did not take the way of `run`."""
        self._proven_at = time.time()

    def drop(self) -> None:
        """Never uses the session again; the server rolls back what it left open."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _is_alive(self, session: Session) -> bool:
        # IDLE is said of an open connection alone.
        if session.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        idle = time.time() - self._proven_at
        if 0 <= idle < _LOOK_AFTER_S:
            return True
        # A goodbye that came while frozen lies in the socket. One that never came (a failover, a forgetful NAT) shows
        # only when the server is asked.
        spoke = bool(select.select([session.pgconn.socket], [], [], 0)[0])
        if 0 <= idle < _ASK_AFTER_S and not spoke:
            return True
        try:
            return _answers(session)
        except psycopg.Error:
            return False


def _answers(session: Session) -> bool:
    """Whether the server answers an empty statement in time."""
    pgconn = session.pgconn
    deadline = time.monotonic() + _ANSWER_WITHIN_S
    pgconn.send_query(b"")
    pgconn.flush()
    while pgconn.is_busy():
        if not select.select([pgconn.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        pgconn.consume_input()
    while pgconn.get_result() is not None:
        pass
    return not session.closed and pgconn.transaction_status == TransactionStatus.IDLE
