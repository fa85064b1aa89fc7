"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str = field(repr=False)


class SecretUnreadable(Exception):
    """Names the secret and what to look at, and holds no part of its value."""


class CredentialSource(Protocol):
    def __call__(self, refused: Credentials | None = None, /) -> Credentials:
        """Asked once for each new connection, so that credentials may change while an environment lives; and once
        more, with the credentials that the server refused: the login is tried again if the answer differs from them."""
        ...


_REFUSALS = (
    "password authentication failed",
    "is not permitted to log in",
    # What RDS Proxy says instead of PostgreSQL (aws/aws-secretsmanager-jdbc issue 222, PostHog/posthog pull 64084).
    "RDS proxy has no credentials for the role",
    "The password that was provided for the role",
)


def is_refused_login(error: Exception) -> bool:
    """Whether the server refused this user or password, so that others may help. Never for want of a free connection
    or for a setting.

    By the text, because libpq keeps a failed login's SQLSTATE to itself: a server with `lc_messages` in another
    language is not understood.
    """
    return any(text in str(error) for text in _REFUSALS)
