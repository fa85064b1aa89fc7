resource "aws_db_instance" "database" {
  identifier     = "${local.prefix}-db"
  db_name        = local.database_name
  engine         = "postgres"
  engine_version = local.database_version
  instance_class = local.instance_class
  multi_az       = local.multi_az

  # What is there from the start. It does not grow by itself: max_allocated_storage would be a ceiling for that, not a size.
  allocated_storage = local.storage_gb
  storage_type      = "gp3"
  storage_encrypted = true

  # lambdapg alone logs in as this user, to make the roles of the functions.
  username = "lambdapg_admin"
  # RDS makes, keeps and rotates its password: it is in no file and no state.
  manage_master_user_password         = true
  iam_database_authentication_enabled = local.iam_authentication

  db_subnet_group_name   = aws_db_subnet_group.database.name
  parameter_group_name   = aws_db_parameter_group.database.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  port                   = 5432
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period         = local.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = local.deletion_protection
  skip_final_snapshot             = !var.final_snapshot
  final_snapshot_identifier       = local.final_snapshot_name
  auto_minor_version_upgrade      = true
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  # Else a change waits for the maintenance window, days after the apply that says it is done.
  apply_immediately = true

  tags = { Name = "${local.prefix}-db", "lambdapg:resource" = "db" }
}

resource "aws_db_subnet_group" "database" {
  name        = "${local.prefix}-db"
  description = "lambdapg: ${local.prefix}"
  subnet_ids  = local.network.subnet_ids

  tags = { Name = "${local.prefix}-db", "lambdapg:resource" = "db" }
}

resource "aws_db_parameter_group" "database" {
  name        = "${local.prefix}-pg${local.postgres_major}"
  description = "lambdapg: ${local.prefix}"
  family      = "postgres${local.postgres_major}"

  # Connections without TLS are refused. The default since PostgreSQL 15, said aloud.
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  tags = { Name = "${local.prefix}-db", "lambdapg:resource" = "db" }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  database = {
    host        = aws_db_instance.database.address
    resource_id = aws_db_instance.database.resource_id
    # An instance never pauses.
    pauses = false
  }
}

output "databaseHost" {
  value = aws_db_instance.database.address
}

output "databasePort" {
  value = 5432
}

output "databaseName" {
  value = local.database_name
}

output "adminSecretArn" {
  description = "The master user's secret, which RDS keeps and rotates."
  value       = one(aws_db_instance.database.master_user_secret[*].secret_arn)
}
