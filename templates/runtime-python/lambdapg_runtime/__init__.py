"""lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from .database import Database, Transaction
from .settings import Credentials, Settings, settings_from_environment

__all__ = ["Credentials", "Database", "Settings", "Transaction", "settings_from_environment"]
