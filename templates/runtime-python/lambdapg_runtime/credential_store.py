"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from .credentials import Counts, Credentials, SecretUnreadable
from .patience import pause_after

Read = Callable[[], Credentials]

_FALLBACK_ROUNDS = 2
"""A value that a rotation is about to use stands in the store before the database has it."""

_stores: dict[str, "CredentialStore"] = {}
"""One for each key, for all connections of this execution environment."""


def stored_credentials(key: str, max_age_s: float, read: Read, fallbacks: Sequence[Read] = ()) -> "CredentialStore":
    """Credentials that are read at the first connection, kept for `max_age_s`, and read anew when they were refused.

    `key` names the store, `read` gives the current value, `fallbacks` others that a rotation may be about to use, or
    has just used. They raise SecretUnreadable.
    """
    return _stores.setdefault(key, CredentialStore(max_age_s, read, fallbacks))


class CredentialStore:
    def __init__(self, max_age_s: float, read: Read, fallbacks: Sequence[Read]) -> None:
        self._max_age_s = max_age_s
        self._read = read
        self._fallbacks = fallbacks
        self._known: Credentials | None = None
        self._read_at = 0.0
        self._turn = threading.Lock()

    def __call__(self) -> Credentials:
        with self._turn:
            known = self._known
            if known is not None and 0 <= time.time() - self._read_at < self._max_age_s:
                return known
            try:
                return self._keep(self._read())
            except SecretUnreadable:
                if known is None:
                    raise
                # What cannot be read anew most likely still works; if not, `others` says why it cannot be read.
                return self._keep(known)

    def others(self, refused: Credentials, until: float, counts: Counts) -> Iterator[Credentials]:
        tried = [refused]
        tries = 1
        while True:
            value = self._read_anew(tried, counts)
            # The same again in later rounds: a rotation may write the store before the database.
            if tries > 1 or value not in tried:
                tried.append(value)
                yield value
            for read in self._fallbacks if tries <= _FALLBACK_ROUNDS else ():
                try:
                    fallback = read()
                except SecretUnreadable:
                    continue
                if fallback not in tried:
                    tried.append(fallback)
                    counts.fallbacks = 1
                    yield self._keep(fallback)
                    # Nobody comes back here after a login that worked.
                    counts.fallbacks = 0
            if self._known in tried:
                self._known = None
            if not pause_after(tries, until):
                return
            tries += 1

    def _read_anew(self, tried: Sequence[Credentials], counts: Counts) -> Credentials:
        with self._turn:
            # Another connection has found them meanwhile.
            if self._known is not None and self._known not in tried:
                return self._known
            counts.refreshes += 1
            return self._keep(self._read())

    def _keep(self, credentials: Credentials) -> Credentials:
        self._known, self._read_at = credentials, time.time()
        return credentials
