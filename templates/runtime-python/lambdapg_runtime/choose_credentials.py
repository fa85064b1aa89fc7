"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import re
from collections.abc import Mapping

from .credential_store import stored_credentials
from .credential_text import parse_credentials
from .credentials import Credentials, CredentialSource, SecretUnreadable
from .plain_credentials import plain_credentials

_AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""What every signature needs; Lambda sets them. The session token is missing only for a person's own key."""

_HEROKU_MAX_AGE_S = 3_600
"""Heroku's API answers 75 requests a minute for a whole account: each warm environment asks once in this time."""

# Clients of HTTP are imported late: a cold start loads what it uses.


def choose_credentials(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    """Where user and password come from. What is wrong with the variables is added to `faults`."""
    chosen = [name for name in _CHOICES if env.get(name)]
    auth = env.get("LAMBDAPG_DB_AUTH")
    if auth and auth != "iam":
        faults.append(f"LAMBDAPG_DB_AUTH={auth} is unknown: use iam or leave it out")
    if len(chosen) > 1:
        faults.append(f"{' and '.join(chosen)} exclude each other")
    if chosen:
        return _CHOICES[chosen[0]](env, faults)
    if env.get("DATABASE_URL") and not env.get("PGPASSWORD"):
        return _from_urls(env, faults)
    faults.extend(_missing(env, "PGHOST", "PGDATABASE", "PGUSER", "PGPASSWORD"))
    following = env.get("PGPASSWORD_NEXT")
    return plain_credentials(
        lambda: Credentials(env["PGUSER"], env["PGPASSWORD"]),
        Credentials(env.get("PGUSER", ""), following) if following else None,
    )


def _from_secret(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    arn = env["LAMBDAPG_SECRET_ARN"]
    _check_arn("LAMBDAPG_SECRET_ARN", arn, faults)
    faults.extend(_missing(env, *_AWS_VARIABLES))

    def read(stage: str) -> Credentials:
        from .secrets_manager import read_secret

        return _parse(read_secret(env, arn, stage), f"the secret {arn}")

    others = [lambda stage=stage: read(stage) for stage in ("AWSPENDING", "AWSPREVIOUS")]
    return stored_credentials(arn, _max_age_s(env, faults), lambda: read("AWSCURRENT"), others)


def _from_parameter(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    name = env["LAMBDAPG_SECRET_PARAMETER"]
    faults.extend(_missing(env, "AWS_REGION", *_AWS_VARIABLES))

    def read() -> Credentials:
        from .parameter_store import read_parameter

        return _parse(read_parameter(env, name), f"the parameter {name}")

    return stored_credentials(name, _max_age_s(env, faults), read)


def _from_heroku(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    addon, arn = env["LAMBDAPG_HEROKU_ADDON"], env.get("LAMBDAPG_HEROKU_KEY_ARN")
    faults.extend(_missing(env, "LAMBDAPG_HEROKU_KEY_ARN", *_AWS_VARIABLES))
    if arn:
        _check_arn("LAMBDAPG_HEROKU_KEY_ARN", arn, faults)

    def read() -> Credentials:
        from .heroku_config import read_heroku_url

        return _parse(read_heroku_url(env), f"the config of the Heroku add-on {addon}")

    return stored_credentials(addon, _max_age_s(env, faults, _HEROKU_MAX_AGE_S), read)


def _from_role(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    faults.extend(_missing(env, "PGHOST", "PGDATABASE", "PGUSER", "AWS_REGION", *_AWS_VARIABLES))
    if env.get("PGSSLMODE") == "disable":
        faults.append("PGSSLMODE=disable: IAM authentication needs TLS")
    from .iam_token import iam_credentials

    return iam_credentials(env)


_CHOICES = {
    "LAMBDAPG_SECRET_ARN": _from_secret,
    "LAMBDAPG_SECRET_PARAMETER": _from_parameter,
    "LAMBDAPG_HEROKU_ADDON": _from_heroku,
    "LAMBDAPG_DB_AUTH": _from_role,
}


def _from_urls(env: Mapping[str, str], faults: list[str]) -> CredentialSource:
    def read(name: str) -> Credentials | None:
        url = env.get(name)
        credentials = parse_credentials(url) if url else None
        if url and (credentials is None or not credentials.host):
            faults.append(f"{name} is no postgres://user:password@host/database")
        return credentials

    credentials = read("DATABASE_URL") or Credentials("", "")
    return plain_credentials(lambda: credentials, read("DATABASE_URL_NEXT"))


def _check_arn(name: str, arn: str, faults: list[str]) -> None:
    if not re.match(r"arn:[^:]+:secretsmanager:[^:]+:[^:]*:secret:.", arn):
        faults.append(f"{name}={arn} is no ARN of a secret")


def _max_age_s(env: Mapping[str, str], faults: list[str], usual: int = 300) -> float:
    text = env.get("LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS") or str(usual)
    if not re.fullmatch("[0-9]{1,6}", text):
        faults.append(f"LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS={text} is no number of seconds")
        return 0
    return int(text)


def _parse(text: str, what: str) -> Credentials:
    credentials = parse_credentials(text)
    if credentials is None:
        raise SecretUnreadable(f"{what} is no JSON with username and password, and no postgres URL")
    return credentials


def _missing(env: Mapping[str, str], *names: str) -> list[str]:
    return [f"{name} is not set" for name in names if not env.get(name)]
