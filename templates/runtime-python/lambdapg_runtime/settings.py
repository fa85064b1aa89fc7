"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .application_name import application_name
from .choose_credentials import choose_credentials
from .credentials import Credentials, CredentialSource
from .tls import Tls, explain_no_verify, read_tls


@dataclass(frozen=True)
class Settings:
    host: str | None
    """Without it the credentials have to name host, port and database."""
    port: int
    database: str | None
    credentials: CredentialSource
    tls: Tls
    application_name: str
    """At most 63 bytes: PostgreSQL cuts the rest."""
    connect_timeout_ms: int = 5_000
    """For the whole of TCP, TLS and login. Keep it under the function's timeout. At least 2000."""
    retry_within_ms: int = 10_000
    """For how long a login is tried again that has no free connection, finds a server that starts, or a password that a
    rotation has changed. See also `start_invocation`."""
    emit_metrics: Callable[[str], None] | None = None
    """Is given a line of CloudWatch's embedded metric format for each connection that took more than one login, or
    another's place."""


def settings_from_environment(env: Mapping[str, str]) -> Settings:
    """Reads libpq's variables: PGHOST, PGPORT (5432), PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE (verify-full, the
    default, no-verify or disable) and PGSSLROOTCERT (a PEM file that replaces the system's authorities; from
    LAMBDA_TASK_ROOT).

    Instead of PGUSER and PGPASSWORD one of: LAMBDAPG_SECRET_ARN (Secrets Manager), LAMBDAPG_SECRET_PARAMETER
    (Systems Manager), LAMBDAPG_HEROKU_ADDON with LAMBDAPG_HEROKU_KEY_ARN, DATABASE_URL. They may name the server,
    too, where PGHOST does not. Instead of PGPASSWORD: LAMBDAPG_DB_AUTH=iam. What is read is kept for
    LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS (300; from Heroku 3600), by new connections and by the one that is open.
    PGPASSWORD_NEXT and DATABASE_URL_NEXT are tried when PGPASSWORD or DATABASE_URL is refused. LAMBDAPG_METRICS=emf
    writes metrics to the log.

    Raises ValueError with every fault at once.
    """
    faults: list[str] = []
    credentials = choose_credentials(env, faults)
    port = env.get("PGPORT") or "5432"
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        faults.append(f"PGPORT={port} is no port")
    tls = read_tls(env, faults)
    metrics = env.get("LAMBDAPG_METRICS")
    if metrics and metrics != "emf":
        faults.append(f"LAMBDAPG_METRICS={metrics} is unknown: use emf or leave it out")
    if faults:
        raise ValueError(f"the database settings are incomplete: {'; '.join(faults)}")
    return Settings(
        host=env.get("PGHOST") or None,
        port=int(port),
        database=env.get("PGDATABASE") or None,
        credentials=credentials,
        tls=tls,
        application_name=application_name(env),
        emit_metrics=_print_line if metrics else None,
    )


def reader_environment(env: Mapping[str, str]) -> Mapping[str, str]:
    """The same variables for reads: PGHOST_READER, where there is one, stands for PGHOST."""
    reader = env.get("PGHOST_READER")
    return {**env, "PGHOST": reader} if reader else env


def server_of(settings: Settings, credentials: Credentials) -> tuple[str, int, str]:
    """Host, port and database to log in to: what the environment names comes first.

    Raises ValueError where nobody names it, or it must be verified.
    """
    host, database = settings.host or credentials.host, settings.database or credentials.database
    if not host:
        raise ValueError("PGHOST is not set, and the credentials name no host")
    if not database:
        raise ValueError("PGDATABASE is not set, and the credentials name no database")
    if fault := explain_no_verify(host, settings.tls):
        raise ValueError(fault)
    return host, (None if settings.host else credentials.port) or settings.port, database


def _print_line(line: str) -> None:
    print(line, flush=True)
