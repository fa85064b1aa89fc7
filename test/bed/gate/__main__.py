"""`python -m gate`: prints its URL as the first line and ends when its standard input does, so that it outlives nobody."""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
# Hundreds of machine images for every account, which nobody here starts.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")


def main() -> None:
    warnings.simplefilter("ignore")
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    from werkzeug.serving import WSGIRequestHandler, make_server

    from .app import application

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body go in two packets: without this each answer waits 40 ms for the other side's delayed ACK.
        disable_nagle_algorithm = True

        def log(self, *_: object) -> None: ...

        def connection_dropped(self, *_: object) -> None: ...

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


main()
