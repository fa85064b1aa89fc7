"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import select
import time
from collections.abc import Callable
from typing import cast

import psycopg
from psycopg.abc import Params, QueryNoTemplate as Query
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from .credentials import ChangingCredentials, Credentials
from .log_in import Session
from .open_session import Opened, open_session
from .patience import has_left
from .probe import ProbeAnswer, probe
from .renew_session import RENEWAL_TAKES_S, renew_session
from .settings import Settings

_LOOK_AFTER_S = 0.01
"""Unused for longer: look whether the server said goodbye (no round trip). Less is no freeze worth the name."""
_ASK_AFTER_S = 1.0
"""Unused for longer: ask the server whether it is there (one round trip)."""
_ANSWER_WITHIN_S = 2.0
"""How long the answer may take before the connection counts as dead."""
_LEAST_RENEWAL_S = 1.0
"""How often the store is asked at most, whatever age its values may have."""


class Connection:
    """The one connection of an execution environment: opened at first use, kept while the environment is frozen,
    replaced when it died, exchanged when the store has another login. Nothing that was sent is ever sent again: a
    statement whose answer was lost may have been executed."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._session: Session | None = None
        # Whether there ever was one: then a server that does not listen is one that is being restarted.
        self._opened = False
        # When the server last answered. Wall clock: a monotonic one may stand still while frozen.
        self._proven_at = 0.0
        # The login of the session, and from when on the store is asked whether it still is the right one. Wall clock.
        self._credentials: Credentials | None = None
        self._renew_at = float("inf")

    def ready(self) -> Session:
        """A session that was alive a moment ago."""
        session, now = self._session, time.time()
        if session is not None and self._is_alive(session, now):
            # Also when the clock was set back: then nothing is known of the time until the renewal.
            return session if self._proven_at <= now < self._renew_at else self._renew(session)
        self.drop()
        return self._use(open_session(self._settings(), self._opened))

    def probe(self) -> ProbeAnswer:
        """Opens a new session with what the store holds now; it takes the place of the old one. Never raises."""
        answer, opened = probe(self._settings)
        if opened is not None:
            self._exchange(opened)
        return answer

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

    def _renew(self, session: Session) -> Session:
        """Between two pieces of work: nothing is open on the session."""
        store = self._store()
        # Put off to the next piece of work, or the next invocation.
        if store is None or self._credentials is None or not has_left(RENEWAL_TAKES_S):
            return session
        opened = renew_session(self._settings(), store, self._credentials)
        if opened is not None:
            return self._exchange(opened)
        self._plan_renewal()
        return session

    def _exchange(self, opened: Opened) -> Session:
        self.drop()
        return self._use(opened)

    def _use(self, opened: Opened) -> Session:
        self._session, self._credentials = opened.session, opened.credentials
        self._opened = True
        self._proven_at = time.time()
        self._plan_renewal()
        return opened.session

    def _plan_renewal(self) -> None:
        store = self._store()
        if store is None:
            return
        # An answer that is late is looked for soon; nobody waits for it again.
        soonest = time.time() + _LEAST_RENEWAL_S
        self._renew_at = soonest if store.is_reading() else max(store.stale_at(), soonest)

    def _store(self) -> ChangingCredentials | None:
        credentials = self._settings().credentials
        return cast(ChangingCredentials, credentials) if hasattr(credentials, "stale_at") else None

    def _is_alive(self, session: Session, now: float) -> bool:
        # IDLE is said of an open connection alone.
        if session.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        idle = now - self._proven_at
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
