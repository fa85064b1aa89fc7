# Functions connect to the proxy and never to the database, and for what may be a moment old to its read-only endpoint. Their
# certificates are publicly signed: no file of authorities is needed.
locals {
  front = {
    host = aws_db_proxy.proxy.endpoint
    # `prx-…`, the last part of the ARN: what an rds-db:connect permission names. It stands for the endpoints as well.
    resource_id = reverse(split(":", aws_db_proxy.proxy.arn))[0]
  }

  connection_environment = {
    PGHOST        = local.front.host
    PGHOST_READER = aws_db_proxy_endpoint.reader.endpoint
    PGPORT        = "5432"
    PGDATABASE    = local.database_name
    PGSSLMODE     = "verify-full"
  }
}
