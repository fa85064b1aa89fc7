"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import re
import select
import socket
import time
from collections.abc import Callable

import psycopg
from psycopg.abc import Params, QueryNoTemplate as Query
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from .credentials import Credentials, SecretUnreadable, is_refused_login
from .settings import Settings, system_authorities

_LOOK_AFTER_S = 0.01
"""Unused for longer: look whether the server said goodbye (no round trip). Less is no freeze worth the name."""
_ASK_AFTER_S = 1.0
"""Unused for longer: ask the server whether it is there (one round trip)."""
_ANSWER_WITHIN_S = 2.0
"""How long the answer may take before the connection counts as dead."""

Session = psycopg.Connection[DictRow]


class Connection:
    """The one connection of an execution environment: opened at first use, kept while the environment is frozen,
    replaced when it died. Nothing that was sent is ever sent again: a statement whose answer was lost may have
    been executed."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._session: Session | None = None
        # When the server last answered. Wall clock: a monotonic one may stand still while frozen.
        self._proven_at = 0.0

    def ready(self) -> Session:
        """A session that was alive a moment ago."""
        if self._session is not None and not self._is_alive(self._session):
            self.drop()
        if self._session is None:
            self._session = _open(self._settings())
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


def _open(settings: Settings) -> Session:
    user = None
    try:
        credentials = settings.credentials()
        user = credentials.user
        try:
            return _log_in(settings, credentials)
        except psycopg.OperationalError as refusal:
            others = _other_credentials(settings, credentials, refusal)
            if others is None:
                raise
        user = others.user
        return _log_in(settings, others)
    except (psycopg.OperationalError, SecretUnreadable, OSError) as error:
        where = f"{settings.host}:{settings.port}/{settings.database}{f' as {user}' if user else ''}"
        message = f"cannot connect to {where}: {error}{_certificate_advice(settings, error)}"
        raise psycopg.OperationalError(message) from error


def _other_credentials(settings: Settings, refused: Credentials, refusal: Exception) -> Credentials | None:
    """They may have been changed while this environment kept them. Nothing was sent: to log in again is safe."""
    if not is_refused_login(refusal):
        return None
    try:
        others = settings.credentials(refused)
    except SecretUnreadable as error:
        raise psycopg.OperationalError(f"{refusal}; {error}") from error
    return None if others == refused else others


def _log_in(settings: Settings, credentials: Credentials) -> Session:
    deadline = time.monotonic() + settings.connect_timeout_ms / 1_000
    failure: Exception | None = None
    for address in _addresses(settings.host, settings.port):
        # psycopg would give each address of the host the whole timeout; so they share it. 2 s is its least.
        left = deadline - time.monotonic()
        if failure is not None and left < 2:
            break
        try:
            return _connect(settings, credentials, address, max(2, int(left)))
        except psycopg.OperationalError as error:
            # A new one: psycopg's own holds the connection's parameters, the password in clear among them.
            failure = type(error)(str(error))
            if is_refused_login(failure):
                break
    raise failure or OSError(f"{settings.host} has no address")


def _connect(settings: Settings, credentials: Credentials, address: str, timeout_s: int) -> Session:
    return Session.connect(
        host=settings.host,
        hostaddr=address,
        port=settings.port,
        dbname=settings.database,
        user=credentials.user,
        password=credentials.password,
        sslmode="disable" if settings.ssl_root_cert is None else "verify-full",
        sslrootcert=settings.ssl_root_cert,
        application_name=settings.application_name,
        connect_timeout=timeout_s,
        autocommit=True,
        # Named prepared statements pin a session of RDS Proxy.
        prepare_threshold=None,
        row_factory=dict_row,
    )


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _certificate_advice(settings: Settings, error: Exception) -> str:
    """What to add to the reason why there is no connection: RDS has authorities that no system knows, its proxy has
    not."""
    is_rds = re.search(r"\.rds\.amazonaws\.com(\.cn)?$", settings.host, re.IGNORECASE) is not None
    if not is_rds or settings.ssl_root_cert != system_authorities() or "certificate verify failed" not in str(error):
        return ""
    return ": without a proxy, RDS needs Amazon's bundle of certificates in PGSSLROOTCERT"
