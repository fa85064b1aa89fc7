"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from .credential_text import is_database_url, parse_object
from .credentials import SecretUnreadable
from .http_request import HttpRequest, ask
from .secrets_manager import read_secret

_ADVICE = {
    401: "the API key in LAMBDAPG_HEROKU_KEY_ARN is not valid any more",
    403: "the API key may not read the add-on",
    404: "there is no such add-on, or the API key does not see it",
    429: "the hourly limit of the API key is used up",
}


def read_heroku_url(env: Mapping[str, str]) -> str:
    """Asks Heroku's API for the database's URL, which changes when Heroku rotates it (devcenter.heroku.com,
    platform-api-reference, Add-on Config). The API key is read from its secret each time: it may be rotated as well.

    Raises SecretUnreadable.
    """
    addon = env["LAMBDAPG_HEROKU_ADDON"]
    secret = read_secret(env, env["LAMBDAPG_HEROKU_KEY_ARN"], "AWSCURRENT")
    key = parse_object(secret).get("apiKey") or secret.strip()
    base = env.get("LAMBDAPG_HEROKU_API_URL") or "https://api.heroku.com"
    url = f"{base.rstrip('/')}/addons/{quote(addon, safe='')}/config"
    headers = {"authorization": f"Bearer {key}", "accept": "application/vnd.heroku+json; version=3"}
    answer = ask(lambda: HttpRequest("GET", url, headers))
    if answer.status == 200:
        return _choose_url(answer.text)
    if answer.status == 0:
        said = f"{urlsplit(url).netloc} cannot be reached ({answer.text})"
    else:
        said = ": ".join(part for part in (f"HTTP {answer.status}", _ADVICE.get(answer.status)) if part)
    raise SecretUnreadable(f"cannot read the config of the Heroku add-on {addon}: {said}")


def _choose_url(text: str) -> str:
    """The order of the entries means nothing; a pooler's URL stands beside the database's own."""
    try:
        entries = {entry["name"]: entry["value"] for entry in json.loads(text)}
    except (ValueError, TypeError, KeyError):
        return ""
    names = [name for name, url in entries.items() if isinstance(url, str) and is_database_url(url)]
    names = [name for name in names if name.endswith("_URL") and not name.endswith("CONNECTION_POOL_URL")]
    # `False` sorts before `True`.
    names.sort(key=lambda name: not name.endswith("DATABASE_URL"))
    return entries[names[0]] if names else ""
