# Functions connect to the database itself, and to its reader for what may be a moment old.
locals {
  front = {
    host = local.database.host
    # The cluster's own stands for all its members.
    resource_id = local.database.resource_id
  }

  connection_environment = {
    PGHOST        = local.front.host
    PGHOST_READER = aws_rds_cluster.database.reader_endpoint
    PGPORT        = "5432"
    PGDATABASE    = local.database_name
    PGSSLMODE     = "verify-full"
    # RDS's own authorities, which `npx lambdapg package` puts beside the code.
    PGSSLROOTCERT = "./rds-ca.pem"
  }
}
