"""What only Python has: threads, and Python's own types. Run by python-database.test.ts with a server's settings."""

import os
import threading
import traceback
from datetime import date, datetime, timezone
from decimal import Decimal

import psycopg
import pytest

from lambdapg_runtime import Database, settings_from_environment


@pytest.fixture
def database():
    database = Database(lambda: settings_from_environment(os.environ))
    database.query("delete from marks")
    yield database
    database.close()


def in_threads(count, work):
    results = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_first_statements_of_many_threads_share_one_connection():
    reads = []

    def read_settings():
        reads.append(1)
        return settings_from_environment(os.environ)

    database = Database(read_settings)
    pids = in_threads(10, lambda: database.query("select pg_backend_pid() as pid")[0]["pid"])
    database.close()
    assert len(pids) == 10
    assert len(set(pids)) == 1
    assert len(reads) == 1


def test_a_query_of_another_thread_waits_for_the_end_of_a_transaction(database):
    started = threading.Event()

    def elsewhere():
        started.set()
        database.query("insert into marks values (2)")

    thread = threading.Thread(target=elsewhere)
    with pytest.raises(RuntimeError, match="rolled back"):
        with database.transaction() as tx:
            tx.query("insert into marks values (1)")
            thread.start()
            started.wait()
            assert tx.query("select id from marks") == [{"id": 1}]
            raise RuntimeError("rolled back")
    thread.join()
    assert database.query("select id from marks") == [{"id": 2}]


def test_tx_query_after_the_end_is_refused(database):
    with database.transaction() as tx:
        pass
    with pytest.raises(RuntimeError, match="the transaction is over"):
        tx.query("select 1")


def test_an_exception_that_is_no_error_rolls_back_too(database):
    """A handler's deadline is often a BaseException, raised by a signal."""
    with pytest.raises(KeyboardInterrupt):
        with database.transaction() as tx:
            tx.query("insert into marks values (1)")
            raise KeyboardInterrupt
    assert database.query("select id from marks") == []


def test_values(database):
    [row] = database.query(
        "select date '2026-11-21' as day, timestamptz '2026-11-21 09:30+00' as at, 9007199254740993 as big, "
        "1.10::numeric as exact, %s::text as given",
        ["50 %"],
    )
    at = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
    expected = {"day": date(2026, 11, 21), "at": at, "big": 9007199254740993, "exact": Decimal("1.10"), "given": "50 %"}
    assert row == expected


def test_a_percent_sign_without_values_is_a_percent_sign(database):
    assert database.query("select 7 % 4 as rest") == [{"rest": 3}]


def test_no_password_in_anything_that_can_be_printed(database):
    password = os.environ["PGPASSWORD"]
    settings = settings_from_environment({**os.environ, "PGPORT": "1"})
    with pytest.raises(psycopg.OperationalError) as failure:
        Database(lambda: settings).query("select 1")
    printed = "".join(traceback.format_exception(failure.value))
    shown = [repr(settings), repr(settings.credentials()), repr(database), repr(vars(database)), printed]
    assert "cannot connect to" in printed
    assert not [text for text in shown if password in text]
