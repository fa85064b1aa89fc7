"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from .credentials import Credentials, CredentialSource
from .database import Database
from .patience import start_invocation
from .probe import ProbeAnswer, with_probe
from .settings import Settings, reader_environment, settings_from_environment
from .transaction import Transaction

__all__ = [
    "CredentialSource",
    "Credentials",
    "Database",
    "ProbeAnswer",
    "Settings",
    "Transaction",
    "reader_environment",
    "settings_from_environment",
    "start_invocation",
    "with_probe",
]
