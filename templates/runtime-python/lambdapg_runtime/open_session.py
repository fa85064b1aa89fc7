"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import DictRow, dict_row

from .credentials import Counts, Credentials, SecretUnreadable
from .metrics import render_metrics
from .patience import patience_ends, pause_after, within_invocation
from .refusal import is_passing, is_refused_login
from .settings import Settings, server_of
from .tls import certificate_advice

Session = psycopg.Connection[DictRow]


@dataclass
class _Progress:
    """What is known while one connection is being opened."""

    known: bool
    until: float
    counts: Counts = field(default_factory=Counts)
    credentials: Credentials | None = None
    """Tried last."""
    refusal: Exception | None = None
    """Why the server refused the last ones that it refused."""


def open_session(settings: Settings, known: bool = False) -> Session:
    """Opens a connection. What fails in passing is tried again for as long as `retry_within_ms` and the invocation
    allow: a refused password with what else the store holds, a full or starting server with the same login. Nothing but
    a login was sent, so nothing is done twice. `known` says whether there was a connection before.

    Raises psycopg.OperationalError.
    """
    progress = _Progress(known, patience_ends(settings.retry_within_ms))
    started_at = time.time()
    session: Session | None = None
    try:
        session = _try_all(settings, progress)
        return session
    except (psycopg.OperationalError, SecretUnreadable, OSError, ValueError) as error:
        raise _connect_error(settings, progress, error) from error
    finally:
        counts = progress.counts
        if settings.emit_metrics and counts.auth_failures + counts.waits > 0:
            name = settings.application_name.split("/")[1]
            ok = session is not None
            settings.emit_metrics(render_metrics(counts, (time.time() - started_at) * 1_000, name, ok))


def _try_all(settings: Settings, progress: _Progress) -> Session:
    for credentials in _candidates(settings, progress):
        progress.credentials = credentials
        try:
            return _wait_for_turn(settings, credentials, progress)
        except psycopg.OperationalError as error:
            if not is_refused_login(error):
                raise
            progress.counts.auth_failures += 1
            progress.refusal = error
    assert progress.refusal is not None
    raise progress.refusal


def _candidates(settings: Settings, progress: _Progress) -> Iterator[Credentials]:
    first = settings.credentials()
    yield first
    others = getattr(settings.credentials, "others", None)
    if others is not None:
        yield from others(first, progress.until, progress.counts)


def _wait_for_turn(settings: Settings, credentials: Credentials, progress: _Progress) -> Session:
    """Logs in, and again as long as the server has no free connection or is not ready."""
    tries = 1
    while True:
        try:
            return _log_in(settings, credentials)
        except (psycopg.OperationalError, OSError) as error:
            if not is_passing(error, progress.known):
                raise
            progress.counts.waits += 1
            if not pause_after(tries, progress.until):
                raise
            tries += 1


def _log_in(settings: Settings, credentials: Credentials) -> Session:
    host, port, database = server_of(settings, credentials)
    deadline = time.monotonic() + within_invocation(settings.connect_timeout_ms)
    failure: Exception | None = None
    for address in _addresses(host, port):
        # psycopg would give each address of the host the whole timeout; so they share it. 2 s is its least.
        left = deadline - time.monotonic()
        if failure is not None and left < 2:
            break
        try:
            return Session.connect(
                host=host,
                hostaddr=address,
                port=port,
                dbname=database,
                user=credentials.user,
                password=credentials.password,
                sslmode=settings.tls.mode,
                sslrootcert=settings.tls.root_cert,
                # Of all settings this one alone goes with the login: it pins no session of RDS Proxy, and it takes it.
                application_name=settings.application_name,
                connect_timeout=max(2, int(left)),
                autocommit=True,
                # Named prepared statements pin a session of RDS Proxy.
                prepare_threshold=None,
                row_factory=dict_row,
            )
        except psycopg.OperationalError as error:
            # A new one: psycopg's own holds the connection's parameters, the password in clear among them.
            failure = type(error)(str(error))
            if is_refused_login(failure):
                break
    raise failure or OSError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect_error(settings: Settings, progress: _Progress, error: Exception) -> psycopg.OperationalError:
    """Names the server, the login and the reason, and never a password."""
    credentials = progress.credentials
    stored = credentials or Credentials("", "")
    host = settings.host or stored.host
    port = (None if settings.host else stored.port) or settings.port
    where = f"{host}:{port}/{settings.database or stored.database or ''}" if host else "the database"
    who = f" as {credentials.user}" if credentials else ""
    cause = progress.refusal or error
    advice = certificate_advice(cause, host or "", settings.tls)
    also = "" if cause is error else f"; {error}"
    return psycopg.OperationalError(f"cannot connect to {where}{who}: {cause}{advice}{also}")
