"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Mapping

from .aws_signature import Signer
from .credentials import Credentials, CredentialSource


def iam_credentials(env: Mapping[str, str]) -> CredentialSource:
    """A password for RDS that AWS checks by the function's role: the query of a presigned request, good for a login
    within 15 minutes. It is signed here, without a call, so each connection gets its own."""

    # Nothing else to try: a refused token would be refused again, it is the role or the grant of rds_iam that is missing.
    return lambda: Credentials(env["PGUSER"], _iam_token(env))


def _iam_token(env: Mapping[str, str]) -> str:
    """`host:port/?Action=connect&DBUser=…`, as the SDKs' signers make it (rds-db:connect)."""
    host, user = f"{env['PGHOST'].lower()}:{env.get('PGPORT') or 5432}", env["PGUSER"]
    query = {"Action": "connect", "DBUser": user, "X-Amz-Expires": "900"}
    return f"{host}/?{Signer(env, 'rds-db', env['AWS_REGION']).presign_get(host, query)}"
