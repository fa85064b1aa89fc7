"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from .credentials import Credentials, CredentialSource
from .database import Database
from .patience import start_invocation
from .settings import Settings, reader_environment, settings_from_environment
from .transaction import Transaction

__all__ = [
    "CredentialSource",
    "Credentials",
    "Database",
    "Settings",
    "Transaction",
    "reader_environment",
    "settings_from_environment",
    "start_invocation",
]
