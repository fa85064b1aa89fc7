"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str = field(repr=False)
    host: str | None = None
    """Where the store names the server; the environment's own names come first."""
    port: int | None = None
    database: str | None = None


class SecretUnreadable(Exception):
    """Names what was read and what to look at, and holds no part of its value."""


@dataclass
class Counts:
    """What opening one connection took beyond one login."""

    auth_failures: int = 0
    """Logins that the server refused."""
    fallbacks: int = 0
    """1 when the password that worked was not the current one."""
    refreshes: int = 0
    """How often the store was asked again."""
    waits: int = 0
    """Logins that found no free connection, or a server that was not ready."""
    renewals: int = 0
    """1 when a live connection was exchanged because the store's login had changed."""


class CredentialSource(Protocol):
    def __call__(self) -> Credentials:
        """Asked for each new connection, so that credentials may change while an environment lives."""
        ...


class FallibleCredentials(CredentialSource, Protocol):
    def others(self, refused: Credentials, until: float, counts: Counts) -> Iterator[Credentials]:
        """What else may be right when the server refused them, one after the other until the moment `until`. The one
        that is accepted is kept for the next connection."""
        ...


class ChangingCredentials(FallibleCredentials, Protocol):
    """Where the login may change while a connection lives, which asks to follow it. Not that of IAM: its tokens change
    and its login does not."""

    def within(self, limit_s: float) -> Credentials | None:
        """The same as a call, but None where it takes longer than `limit_s` or cannot be read."""
        ...

    def stale_at(self) -> float:
        """From this moment on what is known is too old. Wall clock."""
        ...

    def is_reading(self) -> bool:
        """Whether an answer is still awaited."""
        ...

    def read_anew(self) -> Credentials:
        """The current value, past what is known. Raises SecretUnreadable."""
        ...
