# Functions connect to the database itself, and to its reader for what may be a moment old.
locals {
  front = {
    host         = local.database.host
    resource_ids = concat(local.database.resource_ids, local.reader.resource_ids)
  }

  connection_environment = {
    PGHOST        = local.front.host
    PGHOST_READER = local.reader.host
    PGPORT        = "5432"
    PGDATABASE    = local.database_name
    PGSSLMODE     = "verify-full"
    # RDS's own authorities, which `npx lambdapg package` puts beside the code.
    PGSSLROOTCERT = "./rds-ca.pem"
  }
}
