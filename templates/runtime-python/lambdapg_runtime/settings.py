"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .application_name import application_name


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    database: str
    credentials: Callable[[], Credentials]
    """Asked once for each new connection, so that credentials may change while an environment lives."""
    ssl_root_cert: str | None
    """PEM file of the authorities to trust; the chain and the name are always verified. None: no TLS."""
    application_name: str
    """At most 63 bytes: PostgreSQL cuts the rest."""
    connect_timeout_ms: int = 5_000
    """For the whole of TCP, TLS and login. Keep it under the function's timeout. At least 2000."""


def settings_from_environment(env: Mapping[str, str]) -> Settings:
    """Reads libpq's variables: PGHOST, PGPORT (5432), PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE (verify-full, the
    default, or disable) and PGSSLROOTCERT (a PEM file that replaces the system's authorities).

    Raises ValueError with every fault at once.
    """
    required = ("PGHOST", "PGDATABASE", "PGUSER", "PGPASSWORD")
    faults = [f"{name} is not set" for name in required if not env.get(name)]
    port = env.get("PGPORT") or "5432"
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        faults.append(f"PGPORT={port} is no port")
    root_cert = _root_cert(env, faults)
    if faults:
        raise ValueError(f"the database settings are incomplete: {'; '.join(faults)}")
    return Settings(
        host=env["PGHOST"],
        port=int(port),
        database=env["PGDATABASE"],
        credentials=lambda: Credentials(env["PGUSER"], env["PGPASSWORD"]),
        ssl_root_cert=root_cert,
        application_name=application_name(env),
    )


def _root_cert(env: Mapping[str, str], faults: list[str]) -> str | None:
    mode = env.get("PGSSLMODE") or "verify-full"
    if mode == "disable":
        return None
    if mode != "verify-full":
        faults.append(
            f"PGSSLMODE={mode} does not verify which server answers: "
            "use verify-full, with PGSSLROOTCERT for a private CA"
        )
    file = env.get("PGSSLROOTCERT") or "system"
    if file == "system":
        # psycopg's wheels carry their own OpenSSL, which looks for authorities where no system keeps them.
        return ssl.get_default_verify_paths().cafile or "system"
    if not os.access(file, os.R_OK):
        faults.append(f"PGSSLROOTCERT={file} cannot be read")
    return file
