"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from psycopg.abc import Params, QueryNoTemplate as Query
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from .connection import Connection, Session
from .probe import ProbeAnswer
from .settings import Settings
from .transaction import Transaction, rows_of


class Database:
    """One connection, lent to one statement or one transaction at a time: a `query` of another thread waits for the
    end of an open transaction and can never slip into it."""

    def __init__(self, read_settings: Callable[[], Settings]) -> None:
        """`read_settings` is called once, at the first statement; nothing is opened before."""
        self._connection = Connection(cache(read_settings))
        self._turn = threading.Lock()
        self._owner: int | None = None

    def query(self, sql: Query, params: Params | None = None, *, timeout_ms: int | None = None) -> list[DictRow]:
        """Runs one statement and returns its rows. Values go into `params` (`%s`), never into `sql`.

        With `timeout_ms` the server ends a statement that runs longer (57014), and the connection is used on. It then
        takes a transaction of its own: two more round trips, and no statement that cannot run in one. Nothing of it
        stays in the session, so it pins no session of RDS Proxy. A server that says nothing for a second more is given
        up.

        Raises RuntimeError inside a transaction, where it would wait for itself.
        """
        if timeout_ms is not None:
            with self.transaction(timeout_ms=timeout_ms) as tx:
                return tx.query(sql, params)
        self._take_turn("query()")
        try:
            session = self._connection.ready()
            rows = rows_of(self._connection.run(session, sql, params))
            if session.pgconn.transaction_status != TransactionStatus.IDLE:
                self._connection.drop()
                raise RuntimeError("the statement left a transaction open, which was rolled back: use transaction()")
            return rows
        finally:
            self._end_turn()

    @contextmanager
    def transaction(self, *, timeout_ms: int | None = None) -> Iterator[Transaction]:
        """Runs the block between BEGIN and COMMIT; any exception rolls back and is raised on. Only `tx.query` takes
        part. The time limit is that of each statement, and costs no round trip.

        Raises RuntimeError also when the block caught a failed statement and went on: PostgreSQL has then rolled back.
        """
        self._take_turn("transaction()")
        try:
            session = self._connection.ready()
            tx = Transaction(self._connection, session, timeout_ms)
            try:
                tx.begin()
                yield tx
                committed = tx.commit()
            except BaseException:
                self._roll_back(session)
                raise
            finally:
                tx.end()
            if not committed:
                raise RuntimeError("a statement of the transaction failed, so PostgreSQL rolled all of it back")
        finally:
            self._end_turn()

    def probe(self) -> ProbeAnswer:
        """See `with_probe`. Never raises."""
        self._take_turn("probe()")
        try:
            return self._connection.probe()
        finally:
            self._end_turn()

    def close(self) -> None:
        """Closes the connection; the next statement opens another. For scripts and tests: a Lambda never needs it."""
        self._take_turn("close()")
        try:
            self._connection.drop()
        finally:
            self._end_turn()

    # Not a context manager: a generator would cost half of all that this runtime adds to a statement.
    def _take_turn(self, name: str) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError(f"{name} inside a transaction would wait for its own end: use tx.query")
        self._turn.acquire()
        self._owner = threading.get_ident()

    def _end_turn(self) -> None:
        self._owner = None
        self._turn.release()

    def _roll_back(self, session: Session) -> None:
        """A connection on which a rollback fails is dropped, which comes to the same."""
        try:
            self._connection.run(session, "rollback", None)
        except Exception:
            self._connection.drop()
