"""The way of the article on RDS Proxy: boto3 reads the secret and psycopg2 connects, both while the module is loaded."""

import json
import os

import boto3
import psycopg2

_secret = json.loads(
    boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["DB_SECRET_ARN"])["SecretString"]
)
_connection = psycopg2.connect(
    user=_secret["username"], password=_secret["password"], sslmode="verify-full", sslrootcert=os.environ["PGSSLROOTCERT"]
)
_connection.autocommit = True


def handler(event, context):
    with _connection.cursor() as cursor:
        cursor.execute("select id, title from books order by id limit 2")
        return {"statusCode": 200, "body": json.dumps(cursor.fetchall())}
