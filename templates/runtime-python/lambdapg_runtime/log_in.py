"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import socket
import time

import psycopg
from psycopg.rows import DictRow, dict_row

from .credentials import Credentials
from .refusal import is_refused_login
from .settings import Settings, server_of

Session = psycopg.Connection[DictRow]


def log_in(settings: Settings, credentials: Credentials, within_s: float) -> Session:
    """Opens one connection, by one try, within so many seconds, or the 2 that are libpq's least.

    Raises psycopg.OperationalError, OSError, ValueError.
    """
    host, port, database = server_of(settings, credentials)
    deadline = time.monotonic() + within_s
    failure: Exception | None = None
    for address in _addresses(host, port):
        # psycopg would give each address of the host the whole timeout; so they share it. 2 s is its least.
        left = deadline - time.monotonic()
        if failure is not None and left < 2:
            break
        try:
            return Session.connect(
                host=host,
                hostaddr=address,
                port=port,
                dbname=database,
                user=credentials.user,
                password=credentials.password,
                sslmode=settings.tls.mode,
                sslrootcert=settings.tls.root_cert,
                # Of all settings this one alone goes with the login: it pins no session of RDS Proxy, and it takes it.
                application_name=settings.application_name,
                connect_timeout=max(2, int(left)),
                autocommit=True,
                # Named prepared statements pin a session of RDS Proxy.
                prepare_threshold=None,
                row_factory=dict_row,
            )
        except psycopg.OperationalError as error:
            # A new one: psycopg's own holds the connection's parameters, the password in clear among them.
            failure = type(error)(str(error))
            if is_refused_login(failure):
                break
    raise failure or OSError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
