"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from .credentials import Counts, Credentials, SecretUnreadable
from .patience import pause_after
from .vain_reads import VainReads

Read = Callable[[], Credentials]

_REFUSED = 0.0
"""Instead of a moment: the next connection asks the store again."""

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
        self._read_at = _REFUSED
        self._vain = VainReads()
        self._turn = threading.Lock()

    def __call__(self) -> Credentials:
        with self._turn:
            known, read_at = self._known, self._read_at
            if known is None:
                return self._keep(self._read())
            if 0 <= time.time() - read_at < self._max_age_s or not self._vain.may_read():
                return known
            try:
                value = self._keep(self._read())
            except SecretUnreadable:
                # What cannot be read anew most likely still works; if not, `others` says why it cannot be read.
                value = self._keep(known)
            if read_at == _REFUSED:
                self._vain.note(value != known)
            return value

    def within(self, limit_s: float) -> Credentials | None:
        # Somebody waits for it, or has waited long enough: its answer is known to the next look.
        if self.is_reading():
            return None
        found: list[Credentials] = []
        thread = threading.Thread(target=self._find, args=(found,), daemon=True)
        thread.start()
        thread.join(limit_s)
        return found[0] if found else None

    def _find(self, found: list[Credentials]) -> None:
        with suppress(SecretUnreadable):
            found.append(self())

    def stale_at(self) -> float:
        return self._read_at + self._max_age_s

    def is_reading(self) -> bool:
        return self._turn.locked()

    def read_anew(self) -> Credentials:
        with self._turn:
            return self._keep(self._read())

    def others(self, refused: Credentials, until: float, counts: Counts) -> Iterator[Credentials]:
        tried = [refused]
        tries = 1
        while True:
            asked = self._ask_again(tried, counts)
            value = self._known or refused
            # The same again in later rounds: a rotation may write the store before the database.
            if tries > 1 or value not in tried:
                tried.append(value)
                yield value
            for read in self._fallbacks if asked and self._vain.may_read_others() else ():
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
                self._read_at = _REFUSED
            if not pause_after(tries, until):
                return
            tries += 1

    def _ask_again(self, tried: Sequence[Credentials], counts: Counts) -> bool:
        with self._turn:
            # Another connection has found them meanwhile, or the store was asked a moment ago.
            if self._known not in tried or not self._vain.may_read():
                return False
            counts.refreshes += 1
            self._vain.note(self._keep(self._read()) not in tried)
            return True

    def _keep(self, credentials: Credentials) -> Credentials:
        self._known, self._read_at = credentials, time.time()
        return credentials
