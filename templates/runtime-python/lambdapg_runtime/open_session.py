"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg

from .credentials import Counts, Credentials, SecretUnreadable
from .log_in import Session, log_in
from .metrics import emit_metrics
from .patience import patience_ends, pause_after, within_invocation
from .refusal import is_passing, is_refused_login
from .settings import Settings
from .tls import certificate_advice


@dataclass(frozen=True)
class Opened:
    session: Session
    credentials: Credentials = field(repr=False)
    """What it has logged in with."""


@dataclass
class _Progress:
    """What is known while one connection is being opened."""

    known: bool
    until: float
    counts: Counts = field(default_factory=Counts)
    credentials: Credentials | None = None
    """Tried last."""
    refusal: Exception | None = None
    """Why the server refused the last ones that it refused; else what kept it busy until the end."""


def open_session(settings: Settings, known: bool = False) -> Opened:
    """Opens a connection. What fails in passing is tried again for as long as `retry_within_ms` and the invocation
    allow: a refused password with what else the store holds, a full or starting server with the same login. Nothing but
    a login was sent, so nothing is done twice. `known` says whether there was a connection before.

    Raises psycopg.OperationalError.
    """
    progress = _Progress(known, patience_ends(settings.retry_within_ms))
    started_at = time.time()
    opened: Opened | None = None
    try:
        opened = _try_all(settings, progress)
        return opened
    except (psycopg.OperationalError, SecretUnreadable, OSError, ValueError) as error:
        raise _connect_error(settings, progress, error) from error
    finally:
        counts = progress.counts
        if counts.auth_failures + counts.waits > 0:
            emit_metrics(settings, counts, time.time() - started_at, opened is not None)


def _try_all(settings: Settings, progress: _Progress) -> Opened:
    for credentials in _candidates(settings, progress):
        progress.credentials = credentials
        try:
            return Opened(_wait_for_turn(settings, credentials, progress), credentials)
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
    busy: Exception | None = None
    while True:
        try:
            return log_in(settings, credentials, within_invocation(settings.connect_timeout_ms))
        except (psycopg.OperationalError, OSError) as error:
            # A server that said that it was busy is there, whatever became of this try.
            if not is_passing(error, progress.known or busy is not None):
                raise
            if is_passing(error, False):
                busy = error
            progress.counts.waits += 1
            if not pause_after(tries, progress.until):
                progress.refusal = progress.refusal or busy
                raise
            tries += 1


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
