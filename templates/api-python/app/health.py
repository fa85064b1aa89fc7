from .db import query
from .web import Request, Response, json_response


def get_health(_request: Request) -> Response:
    """Healthy means that a statement ran, not merely that the function did."""
    [answer] = query("select current_setting('server_version_num')::int / 10000 as postgres")
    return json_response(200, {"status": "ok", **answer})
