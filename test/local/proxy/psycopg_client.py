"""Speaks to the proxy as psycopg does and prints what it saw as JSON. Connects by libpq's environment variables."""

import json

import psycopg

seen = {}


def connect(**settings):
    return psycopg.connect(autocommit=True, **settings)


with connect(prepare_threshold=None) as plain:
    for number in range(10):
        seen["plain"] = plain.execute("select %s::int", [number]).fetchone()[0]
    with plain.transaction():
        plain.execute("select 1")
        plain.execute("set local work_mem = '8MB'")
    with plain.pipeline():
        cursors = [plain.execute("select %s::int * 2", [number]) for number in range(20)]
    seen["pipeline"] = [cursor.fetchone()[0] for cursor in cursors]
    with plain.cursor() as cursor, cursor.copy("copy things from stdin") as copy:
        for number in range(1000):
            copy.write_row((number,))
    with plain.cursor() as cursor, cursor.copy("copy things to stdout") as copy:
        seen["copied"] = sum(1 for _ in copy.rows())
    seen["binary"] = plain.cursor(binary=True).execute("select %b::int", [7]).fetchone()[0]

print(json.dumps({"step": "plain", **seen}), flush=True)
input()

with connect() as preparing:
    for number in range(10):
        preparing.execute("select %s::int", [number])

print(json.dumps({"step": "prepared"}), flush=True)
input()

with connect(prepare_threshold=None) as cursing, cursing.transaction(), cursing.cursor("named") as cursor:
    cursor.execute("select generate_series(1, 10)")
    cursor.fetchall()

print(json.dumps({"step": "cursor"}), flush=True)
input()

failures = {}
for name, settings in {
    "options": {"options": "-c work_mem=8MB"},
    "encoding": {"client_encoding": "klingon"},
    "password": {"password": "wrong"},
}.items():
    try:
        connect(**settings)
    except psycopg.OperationalError as error:
        failures[name] = str(error)
print(json.dumps({"step": "failures", **failures}), flush=True)
