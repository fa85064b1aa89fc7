"""psycopg alone: one connection, opened at the first call."""

import json
import os

import psycopg

_connection = None


def handler(event, context):
    global _connection
    if _connection is None:
        _connection = psycopg.connect(sslrootcert=os.environ["PGSSLROOTCERT"])
    with _connection.cursor() as cursor:
        cursor.execute("select id, title from books order by id limit 2")
        return {"statusCode": 200, "body": json.dumps(cursor.fetchall())}
