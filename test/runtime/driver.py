"""Runs one `Database` and does what it is told, one JSON command a line: the stand-in for an execution environment."""

import json
import os
import socket
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import psycopg

from lambdapg_runtime import (
    Database,
    http_request,
    reader_environment,
    settings_from_environment,
    start_invocation,
    with_probe,
)

if os.environ.get("TEST_DATABASE") == "sqlalchemy":
    from sqlalchemy_database import Database

wall_clock = time.time
skipped_s = 0.0
time.time = lambda: wall_clock() + skipped_s

resolve = socket.getaddrinfo
local_name, local_address = os.environ.get("TEST_LOCAL_NAME"), os.environ.get("TEST_LOCAL_ADDRESS", "127.0.0.1")
socket.getaddrinfo = lambda name, *rest, **more: resolve(local_address if name == local_name else name, *rest, **more)

if "TEST_ANSWER_WITHIN_MS" in os.environ:
    http_request._ANSWER_WITHIN_S = int(os.environ["TEST_ANSWER_WITHIN_MS"]) / 1000


def read_settings(env=os.environ):
    limits = {"connect_timeout_ms": "TEST_CONNECT_TIMEOUT_MS", "retry_within_ms": "TEST_RETRY_WITHIN_MS"}
    changed = {name: int(env[variable]) for name, variable in limits.items() if variable in env}
    return replace(settings_from_environment(env), **changed)


class Context:
    def __init__(self, remaining_ms):
        self.get_remaining_time_in_millis = lambda: remaining_ms


reader = Database(lambda: read_settings(reader_environment(os.environ)))
database = Database(read_settings)


@with_probe(database)
def handle(event, _context):
    return {"handled": event}


def run(command):
    global skipped_s
    match command["op"]:
        case "query":
            return database.query(command["sql"], timeout_ms=command.get("timeoutMs"))
        case "read":
            return reader.query(command["sql"])
        case "race":
            with ThreadPoolExecutor(command["count"]) as pool:
                return list(pool.map(database.query, [command["sql"]] * command["count"]))
        case "invoke":
            start_invocation(Context(command["remainingMs"]))
        case "transaction":
            return transact(command)
        case "together":
            with ThreadPoolExecutor(command["count"]) as pool:
                return list(pool.map(query_once, [command["sql"]] * command["count"]))
        case "credentials":
            return {name: value for name, value in asdict(read_settings().credentials()).items() if value is not None}
        case "event":
            return handle(command["event"], Context(command.get("remainingMs", 60_000)))
        case "skip":
            skipped_s += command["ms"] / 1000
        case "password":
            os.environ["PGPASSWORD"] = command["password"]
    return None


def query_once(sql):
    other = Database(read_settings)
    try:
        return other.query(sql)
    finally:
        other.close()


def transact(command):
    global skipped_s
    results = []
    with database.transaction(timeout_ms=command.get("timeoutMs")) as tx:
        for sql in command["statements"]:
            try:
                results.append(tx.query(sql))
            except psycopg.Error:
                if not command.get("swallow"):
                    raise
                results.append(None)
            skipped_s += command.get("skipMs", 0) / 1000
        if command.get("nested") == "query":
            database.query("select 1")
        if command.get("nested") == "transaction":
            with database.transaction():
                pass
        if command.get("fail"):
            raise RuntimeError("the work failed")
    return results


def causes_of(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


for line in sys.stdin:
    try:
        answer = {"ok": run(json.loads(line))}
    except Exception as error:
        printed = "".join(traceback.format_exception(error)) + str(list(map(vars, causes_of(error))))
        answer = {"error": {"message": str(error), "code": getattr(error, "sqlstate", None), "printed": printed}}
    print(json.dumps(answer, default=str), flush=True)
