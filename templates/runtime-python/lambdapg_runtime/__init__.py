"""lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from .credentials import Credentials, CredentialSource
from .database import Database, Transaction
from .settings import Settings, settings_from_environment

__all__ = ["CredentialSource", "Credentials", "Database", "Settings", "Transaction", "settings_from_environment"]
