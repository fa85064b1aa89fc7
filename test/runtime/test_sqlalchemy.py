"""What SQLAlchemy sends over the runtime's connection. Run by sqlalchemy.test.ts with a server's settings."""

import os
import tempfile
import threading
import time
import traceback
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lambdapg_runtime import settings_from_environment
from lambdapg_runtime.sqlalchemy_engine import create_engine


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    extra: Mapped[Any] = mapped_column(JSONB)


@pytest.fixture
def engine():
    engine = create_engine(lambda: settings_from_environment(os.environ))
    with engine.begin() as connection:
        connection.execute(text("delete from notes"))
    yield engine
    engine.dispose()


def sent(engine, work):
    """The messages that `work` makes libpq send, from its own trace: a letter and what follows."""
    with tempfile.TemporaryFile("w+") as trace:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
            pgconn = connection.connection.driver_connection.pgconn
        pgconn.trace(trace.fileno())
        work()
        pgconn.untrace()
        trace.seek(0)
        # Time, who (Frontend, Backend), length, type, contents; a line of a statement's own has none of it.
        rows = [line.rstrip("\n").split("\t", 4) for line in trace]
    return [f"{row[3]}{row[4]}" for row in rows if len(row) == 5 and row[1] == "F"]


def test_a_warm_read_sends_its_statement_between_begin_and_rollback_and_nothing_else(engine, monkeypatch):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)

    def read():
        with Session(engine) as session:
            assert session.scalar(text("select 1")) == 1

    assert sent(engine, read) == ['Query "BEGIN"', 'Query "select 1"', 'Query "ROLLBACK"']


def test_a_statement_with_values_is_never_named(engine):
    def read():
        with Session(engine) as session:
            for _ in range(12):
                session.scalars(select(Note).where(Note.id == 7)).all()

    parses = [message for message in sent(engine, read) if message.startswith("Parse")]
    assert len(parses) == 12
    assert all(message.startswith('Parse "" ') for message in parses)


def test_orm_and_many_rows_at_once(engine):
    with Session(engine) as session:
        note = Note(text="50 %", extra={"a": [1]})
        session.add(note)
        session.commit()
        session.execute(insert(Note), [{"text": f"{n}", "extra": None} for n in range(50)])
        session.commit()
        assert session.get(Note, note.id, populate_existing=True).extra == {"a": [1]}
        assert len(session.scalars(select(Note)).all()) == 51


def test_threads_take_turns_on_one_connection(engine):
    pids = []

    def ask():
        with engine.connect() as connection:
            pids.append(connection.scalar(text("select pg_backend_pid()")))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 10
    assert len(set(pids)) == 1


def test_a_second_connection_inside_the_first_is_an_error_with_a_reason(engine):
    engine.pool._timeout = 0.1
    with engine.connect():
        with pytest.raises(TimeoutError, match="QueuePool limit of size 1 overflow 0 reached"):
            engine.connect()


def test_no_value_in_an_error(engine):
    # Not as one word, because a traceback quotes the source.
    given = "-".join(["canary", "value"])
    with pytest.raises(DBAPIError, match="division by zero") as failure:
        with engine.begin() as connection:
            connection.execute(text("select cast(:given as text), 1/0"), {"given": given})
    assert given not in "".join(traceback.format_exception(failure.value))
