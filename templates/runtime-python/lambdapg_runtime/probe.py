"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Protocol

from .open_session import Opened, open_session
from .patience import start_invocation
from .refusal import is_passing, is_refused_login
from .settings import Settings

_RUNTIME = "1.3.0"
"""That of manifest.json."""
_KEY = "lambdapg:probe"
_RETRY_WITHIN_MS = 2_000
"""Who asks wants to know how it is, not to wait until it is well."""

Handler = Callable[[Any, Any], Any]
ProbeAnswer = dict[str, Any]
"""`ok` with `user` (the login), `role` (whose rights it has), `application`, `server` and `runtime`; or not `ok`, with
`code` (SETTINGS, CREDENTIALS_UNREADABLE, LOGIN_REFUSED, SERVER_BUSY or NOT_CONNECTED) and `message`. Never a secret."""


class Probed(Protocol):
    def probe(self) -> ProbeAnswer: ...


def with_probe(database: Probed) -> Callable[[Handler], Handler]:
    """Makes a handler answer `{"lambdapg:probe": 1}` itself: which login this environment has when it reads the
    credentials anew and connects anew. `lambdapg rotate-creds` asks so whether a new login has arrived. All other
    events go to the handler. The events of HTTP APIs, queues and schedules have top-level keys of their own, so nobody outside
    can ask: it takes the right to invoke the function."""

    def around(handler: Handler) -> Handler:
        def answer(event: Any, context: Any) -> Any:
            if not isinstance(event, dict) or _KEY not in event:
                return handler(event, context)
            start_invocation(context)
            return database.probe()

        return wraps(handler, updated=())(answer)

    return around


_QUESTION = """select session_user::text as "user", current_user::text as role,
  current_setting('application_name') as application, current_setting('server_version') as server"""


def probe(read_settings: Callable[[], Settings]) -> tuple[ProbeAnswer, Opened | None]:
    """Never raises. The second one answered."""
    code = "SETTINGS"
    opened: Opened | None = None
    try:
        settings = read_settings()
        code = "CREDENTIALS_UNREADABLE"
        read_anew = getattr(settings.credentials, "read_anew", None)
        if read_anew is not None:
            read_anew()
        code = "NOT_CONNECTED"
        limit = min(_RETRY_WITHIN_MS, settings.retry_within_ms)
        opened = open_session(replace(settings, retry_within_ms=limit))
        row = opened.session.execute(_QUESTION).fetchone()
        return {_KEY: 1, "ok": True, **(row or {}), "runtime": _RUNTIME}, opened
    except Exception as error:
        if opened is not None:
            opened.session.close()
        if is_refused_login(error):
            code = "LOGIN_REFUSED"
        elif is_passing(error, known=False):
            code = "SERVER_BUSY"
        return {_KEY: 1, "ok": False, "code": code, "message": str(error)}, None
