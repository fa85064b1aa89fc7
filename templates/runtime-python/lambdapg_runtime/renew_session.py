"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import time

import psycopg

from .credentials import ChangingCredentials, Counts, Credentials
from .log_in import log_in
from .metrics import emit_metrics
from .open_session import Opened
from .patience import spare_s
from .refusal import is_refused_login
from .settings import Settings, server_of

RENEWAL_TAKES_S = 2.5
"""At most, where the invocation ends soon. Who has less left had better not begin."""
_READ_WITHIN_S = 1.0
_LOG_IN_WITHIN_S = 2.0
"""The connection works as it is, so no statement waits longer than this to learn of another login, or to get it. libpq
knows no shorter limit of a login."""


def renew_session(settings: Settings, store: ChangingCredentials, held: Credentials) -> Opened | None:
    """A second connection, where the store has another login by now than the one that is in use. None where it has not,
    is silent or cannot be read, and where the new login does not work (yet): then the old connection is kept."""
    credentials = store.within(spare_s(_READ_WITHIN_S))
    if credentials is None or _is_same_login(settings, credentials, held):
        return None
    counts = Counts(refreshes=1)
    started_at = time.time()
    try:
        session = log_in(settings, credentials, _LOG_IN_WITHIN_S)
        counts.renewals = 1
        return Opened(session, credentials)
    except (psycopg.OperationalError, OSError, ValueError) as error:
        counts.auth_failures = 1 if is_refused_login(error) else 0
        return None
    finally:
        # A connection there is, in any case.
        emit_metrics(settings, counts, time.time() - started_at, True)


def _is_same_login(settings: Settings, one: Credentials, other: Credentials) -> bool:
    if one.user != other.user or one.password != other.password:
        return False
    # What the environment names itself does not change with the store.
    return _place(settings, one) == _place(settings, other)


def _place(settings: Settings, credentials: Credentials) -> tuple[str, int, str] | None:
    try:
        return server_of(settings, credentials)
    except ValueError:
        return None
