"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import hashlib
import re
import secrets
from collections.abc import Mapping

_own_id: str | None = None


def application_name(env: Mapping[str, str]) -> str:
    """How this execution environment shows in `pg_stat_activity`: `lpg/<function>/<version>/<environment>`,
    at most 58 bytes, because PostgreSQL cuts the name at 63."""
    name = _shorten(_legal(env.get("AWS_LAMBDA_FUNCTION_NAME") or "local"))
    version = _legal(env.get("AWS_LAMBDA_FUNCTION_VERSION") or "$LATEST")[:8]
    return f"lpg/{name}/{version}/{_environment_id(env.get('LAMBDAPG_ENVIRONMENT_ID'))}"


def _legal(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.$-]", "_", name)


def _shorten(name: str) -> str:
    if len(name) <= 36:
        return name
    return f"{name[:27]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _environment_id(given: str | None) -> str:
    global _own_id
    if given is not None and re.fullmatch(r"[0-9a-f]{8}", given):
        return given
    # Made at the first connection, not at import: environments restored from one snapshot must differ.
    _own_id = _own_id or secrets.token_hex(4)
    return _own_id
