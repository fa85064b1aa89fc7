"""This file is yours. It opens nothing: the first query does, and the connection then stays open for as long as the
execution environment lives, through every freeze. A connection that died is replaced before the next statement, and one
whose login was rotated is exchanged.

The settings are libpq's variables (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE, PGSSLROOTCERT).
`lambdapg dev` sets them; see .env.example for what each one means. In the cloud LAMBDAPG_SECRET_ARN or
LAMBDAPG_DB_AUTH=iam stand for the password.
"""

import os
from dataclasses import replace

import psycopg

from lambdapg_runtime import Database, Settings, settings_from_environment


def _settings() -> Settings:
    # Shorter than the functions' timeout in lambdapg.json, so that an unreachable database is an error with a reason.
    return replace(settings_from_environment(os.environ), connect_timeout_ms=5_000)


database = Database(_settings)

query = database.query
"""`query("select title from books where id = %s", [id])` gives the rows as dictionaries."""

transaction = database.transaction
"""`with transaction() as tx: tx.query(...); tx.query(...)`: both or neither. An exception rolls back."""


def broke_constraint(error: psycopg.Error, name: str) -> bool:
    """Whether PostgreSQL refused a statement because of the constraint `name` (they are named in `migrations/`)."""
    return error.diag.constraint_name == name
