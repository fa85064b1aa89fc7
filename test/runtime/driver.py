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

from lambdapg_runtime import Database, settings_from_environment

wall_clock = time.time
skipped_s = 0.0
time.time = lambda: wall_clock() + skipped_s

resolve = socket.getaddrinfo
local_name = os.environ.get("TEST_LOCAL_NAME")
socket.getaddrinfo = lambda name, *rest, **more: resolve("127.0.0.1" if name == local_name else name, *rest, **more)


def read_settings():
    settings = settings_from_environment(os.environ)
    limit = os.environ.get("TEST_CONNECT_TIMEOUT_MS")
    return settings if limit is None else replace(settings, connect_timeout_ms=int(limit))


database = Database(read_settings)


def run(command):
    global skipped_s
    match command["op"]:
        case "query":
            return database.query(command["sql"])
        case "transaction":
            return transact(command)
        case "together":
            with ThreadPoolExecutor(command["count"]) as pool:
                return list(pool.map(query_once, [command["sql"]] * command["count"]))
        case "credentials":
            return asdict(read_settings().credentials())
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
    results = []
    with database.transaction() as tx:
        for sql in command["statements"]:
            try:
                results.append(tx.query(sql))
            except psycopg.Error:
                if not command.get("swallow"):
                    raise
                results.append(None)
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
