# Functions connect to the proxy and never to the database. Its certificate is publicly signed: no file of authorities is needed.
locals {
  front = {
    host = aws_db_proxy.proxy.endpoint
    # `prx-…`, the last part of the ARN: what an rds-db:connect permission names.
    resource_id = reverse(split(":", aws_db_proxy.proxy.arn))[0]
  }

  connection_environment = {
    PGHOST     = local.front.host
    PGPORT     = "5432"
    PGDATABASE = local.database_name
    PGSSLMODE  = "verify-full"
  }
}
