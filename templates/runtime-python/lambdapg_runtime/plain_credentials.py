"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Callable, Iterator

from .credentials import Counts, Credentials, CredentialSource


def plain_credentials(read: Callable[[], Credentials], following: Credentials | None = None) -> CredentialSource:
    """Credentials of the environment's own variables, which stay as they are. With `following`, the ones that a
    rotation of a single role is about to set: tried when the others are refused, and first from then on."""
    return read if following is None else _Pair(read, following)


class _Pair:
    def __init__(self, read: Callable[[], Credentials], following: Credentials) -> None:
        self._read = read
        self._following = following
        self._follows = False

    def __call__(self) -> Credentials:
        return self._following if self._follows else self._read()

    def others(self, refused: Credentials, _until: float, counts: Counts) -> Iterator[Credentials]:
        before = self._follows
        self._follows = not before
        other = self()
        if other != refused:
            counts.fallbacks = 1
            yield other
            # Nobody comes back here after a login that worked.
            counts.fallbacks = 0
        self._follows = before
