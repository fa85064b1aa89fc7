"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

from .credentials import Credentials


def is_database_url(text: str) -> bool:
    return text.startswith(("postgres://", "postgresql://"))


def parse_credentials(text: str) -> Credentials | None:
    """Reads what a store holds: a URL (`postgres://user:password@host:port/database`, whose options are not read), or
    JSON with `username` and `password`, and `host`, `port` and `dbname` where the environment does not name them."""
    credentials = _parse_url(text) if is_database_url(text) else _parse_json(text)
    return credentials if credentials and credentials.user and credentials.password else None


def _parse_url(text: str) -> Credentials | None:
    try:
        parts = urlsplit(text)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return Credentials(user, password, parts.hostname, parts.port or 5432, unquote(parts.path[1:]))
    except ValueError:
        return None


def _parse_json(text: str) -> Credentials:
    secret = parse_object(text)
    port = str(secret.get("port") or "")
    return Credentials(
        _text_of(secret.get("username")),
        _text_of(secret.get("password")),
        _text_of(secret.get("host")) or None,
        int(port) if port.isascii() and port.isdigit() else None,
        _text_of(secret.get("dbname")) or None,
    )


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def parse_object(text: str) -> dict[str, Any]:
    """The parser's own error would hold what it could not parse: a secret."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
