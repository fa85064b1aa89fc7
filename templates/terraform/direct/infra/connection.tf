# Functions connect to the database itself. Behind a proxy only this file is another; the code of the functions stays as it is.
locals {
  front = {
    host        = local.database.host
    resource_id = local.database.resource_id
  }

  connection_environment = {
    PGHOST     = local.front.host
    PGPORT     = "5432"
    PGDATABASE = local.database_name
    PGSSLMODE  = "verify-full"
    # RDS's own authorities, which `npx lambdapg package` puts beside the code.
    PGSSLROOTCERT = "./rds-ca.pem"
  }
}
