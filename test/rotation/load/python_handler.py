"""The Node handler's like in Python, with the connection module alone."""

import os
from typing import Any

from lambdapg_runtime import Database, settings_from_environment, start_invocation, with_probe

_database = Database(lambda: settings_from_environment(os.environ))


@with_probe(_database)
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    start_invocation(context)
    if event.get("reconnect"):
        _database.close()
    rows = _database.query("select session_user::text as name, pg_sleep(%s)", [event.get("holdMs", 0) / 1000])
    return {"user": rows[0]["name"]}
