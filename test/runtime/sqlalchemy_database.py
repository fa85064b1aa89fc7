"""The runtime's SQLAlchemy engine behind the methods of `Database`, for driver.py."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from lambdapg_runtime import Settings
from lambdapg_runtime.sqlalchemy_engine import create_engine, with_probe


class Database:
    def __init__(self, read_settings: Callable[[], Settings]) -> None:
        self._engine = create_engine(read_settings)

    def query(self, sql: str, *, timeout_ms: None = None) -> list[dict[str, Any]]:
        with self.transaction() as tx:
            return tx.query(sql)

    @contextmanager
    def transaction(self, *, timeout_ms: None = None) -> Iterator["Transaction"]:
        try:
            with self._engine.begin() as connection:
                yield Transaction(connection)
        except DBAPIError as error:
            # Where the driver looks for it.
            setattr(error, "sqlstate", getattr(error.orig, "sqlstate", None))
            raise

    def probe(self) -> Any:
        return with_probe(self._engine)(lambda event, _context: event)({"lambdapg:probe": 1}, _Forever())

    def close(self) -> None:
        self._engine.dispose()


class _Forever:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Transaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def query(self, sql: str) -> list[dict[str, Any]]:
        result = self._connection.execute(text(sql))
        return [dict(row) for row in result.mappings()] if result.returns_rows else []
