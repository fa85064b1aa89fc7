"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import threading
from collections.abc import Callable, Mapping

from .credentials import Credentials, CredentialSource

_sources: dict[str, CredentialSource] = {}
"""One for each secret, for all connections of this execution environment."""


def secret_credentials(env: Mapping[str, str], arn: str) -> CredentialSource:
    """User and password from Secrets Manager: read at the first connection, kept, and read anew when they were
    refused."""

    def read() -> Credentials:
        # Imported late: a cold start loads a client of HTTP only where there is a secret.
        from .secrets_manager import read_secret

        return read_secret(env, arn)

    return _sources.setdefault(arn, _start_source(read))


def _start_source(read: Callable[[], Credentials]) -> CredentialSource:
    known: Credentials | None = None
    turn = threading.Lock()

    def source(refused: Credentials | None = None, /) -> Credentials:
        nonlocal known
        with turn:
            # Not the ones that were refused: another connection has read the secret meanwhile.
            if known is None or known is refused:
                known = read()
            return known

    return source
