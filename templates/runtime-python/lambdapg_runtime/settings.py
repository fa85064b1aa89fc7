"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from .application_name import application_name
from .credentials import Credentials, CredentialSource
from .secret_credentials import secret_credentials

_AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""What every signature needs; Lambda sets them. The session token is missing only for a person's own key."""


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    database: str
    credentials: CredentialSource
    ssl_root_cert: str | None
    """PEM file of the authorities to trust; the chain and the name are always verified. None: no TLS."""
    application_name: str
    """At most 63 bytes: PostgreSQL cuts the rest."""
    connect_timeout_ms: int = 5_000
    """For the whole of TCP, TLS and login. Keep it under the function's timeout. At least 2000."""


def settings_from_environment(env: Mapping[str, str]) -> Settings:
    """Reads libpq's variables: PGHOST, PGPORT (5432), PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE (verify-full, the
    default, or disable) and PGSSLROOTCERT (a PEM file that replaces the system's authorities; from LAMBDA_TASK_ROOT).

    Instead of PGUSER and PGPASSWORD: LAMBDAPG_SECRET_ARN, a secret of Secrets Manager, JSON with `username` and
    `password`. Instead of PGPASSWORD: LAMBDAPG_DB_AUTH=iam.

    Raises ValueError with every fault at once.
    """
    faults = _missing(env, "PGHOST", "PGDATABASE")
    credentials = _choose_credentials(env, faults)
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
        credentials=credentials,
        ssl_root_cert=root_cert,
        application_name=application_name(env),
    )


def _choose_credentials(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    arn, auth = env.get("LAMBDAPG_SECRET_ARN"), env.get("LAMBDAPG_DB_AUTH")
    if auth and auth != "iam":
        faults.append(f"LAMBDAPG_DB_AUTH={auth} is unknown: use iam or leave it out")
    if auth and arn:
        faults.append("LAMBDAPG_SECRET_ARN and LAMBDAPG_DB_AUTH exclude each other")
    if arn:
        if not re.match(r"arn:[^:]+:secretsmanager:[^:]+:[^:]*:secret:.", arn):
            faults.append(f"LAMBDAPG_SECRET_ARN={arn} is no ARN of a secret")
        faults.extend(_missing(env, *_AWS_VARIABLES))
        return secret_credentials(env, arn)
    if auth:
        faults.extend(_missing(env, "PGUSER", "AWS_REGION", *_AWS_VARIABLES))
        if env.get("PGSSLMODE") == "disable":
            faults.append("PGSSLMODE=disable: IAM authentication needs TLS")
        # Imported late, like the reader of secrets: a cold start loads what it uses.
        from .iam_token import iam_credentials

        return iam_credentials(env)
    faults.extend(_missing(env, "PGUSER", "PGPASSWORD"))
    return lambda refused=None, /: Credentials(env["PGUSER"], env["PGPASSWORD"])


def _missing(env: Mapping[str, str], *names: str) -> list[str]:
    return [f"{name} is not set" for name in names if not env.get(name)]


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
        return system_authorities()
    # A file that was deployed beside the code, wherever Lambda puts that.
    path = os.path.join(env.get("LAMBDA_TASK_ROOT") or "", file)
    if not os.access(path, os.R_OK):
        faults.append(f"PGSSLROOTCERT={file} cannot be read")
    return path


def system_authorities() -> str:
    # psycopg's wheels carry their own OpenSSL, which looks for authorities where no system keeps them.
    return ssl.get_default_verify_paths().cafile or "system"
