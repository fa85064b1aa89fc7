"""The way of the article on Aurora and FastAPI: Mangum, an engine made outside the handler, the secret by boto3."""

import json
import os

import boto3
from fastapi import Depends, FastAPI
from mangum import Mangum
from sqlalchemy import URL, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

_secret = json.loads(
    boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["DB_SECRET_ARN"])["SecretString"]
)
_engine = create_engine(
    URL.create(
        "postgresql+psycopg",
        username=_secret["username"],
        password=_secret["password"],
        host=os.environ["PGHOST"],
        port=int(os.environ["PGPORT"]),
        database=os.environ["PGDATABASE"],
        query={"sslmode": "verify-full", "sslrootcert": os.environ["PGSSLROOTCERT"]},
    )
)
_session = sessionmaker(_engine)
app = FastAPI()


def get_session():
    with _session() as session:
        yield session


@app.get("/books")
def books(session: Session = Depends(get_session)) -> list[dict]:
    return [dict(row) for row in session.execute(text("select id, title from books order by id limit 2")).mappings()]


handler = Mangum(app, lifespan="off")
