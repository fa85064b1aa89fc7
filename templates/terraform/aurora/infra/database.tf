resource "aws_rds_cluster" "database" {
  cluster_identifier = "${local.prefix}-db"
  database_name      = local.database_name
  engine             = "aurora-postgresql"
  engine_version     = local.database_version
  storage_encrypted  = true

  serverlessv2_scaling_configuration {
    min_capacity             = local.min_acu
    max_capacity             = local.max_acu
    seconds_until_auto_pause = local.min_acu == 0 ? local.auto_pause_seconds : null
  }

  # lambdapg alone logs in as this user, to make the roles of the functions.
  master_username = "lambdapg_admin"
  # RDS makes, keeps and rotates its password: it is in no file and no state.
  manage_master_user_password         = true
  iam_database_authentication_enabled = local.iam_authentication
  # The Data API: lambdapg's shortest way to a private cluster.
  enable_http_endpoint = true

  db_subnet_group_name            = aws_db_subnet_group.database.name
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.database.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  port                            = 5432

  backup_retention_period         = local.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = local.deletion_protection
  skip_final_snapshot             = !var.final_snapshot
  final_snapshot_identifier       = local.final_snapshot_name
  enabled_cloudwatch_logs_exports = ["postgresql"]
  # Else a change waits for the maintenance window, days after the apply that says it is done.
  apply_immediately = true

  tags = { Name = "${local.prefix}-db", "lambdapg:resource" = "db" }
}

resource "aws_rds_cluster_instance" "writer" {
  identifier           = "${local.prefix}-db-1"
  cluster_identifier   = aws_rds_cluster.database.cluster_identifier
  engine               = aws_rds_cluster.database.engine
  instance_class       = "db.serverless"
  db_subnet_group_name = aws_db_subnet_group.database.name
  publicly_accessible  = false
  ca_cert_identifier   = "rds-ca-rsa2048-g1"
  promotion_tier       = 0
  apply_immediately    = true

  tags = { Name = "${local.prefix}-db-1", "lambdapg:resource" = "db-1" }
}

resource "aws_db_subnet_group" "database" {
  name        = "${local.prefix}-db"
  description = "lambdapg: ${local.prefix}"
  subnet_ids  = local.network.subnet_ids

  tags = { Name = "${local.prefix}-db", "lambdapg:resource" = "db" }
}

resource "aws_rds_cluster_parameter_group" "database" {
  name        = "${local.prefix}-pg${local.postgres_major}"
  description = "lambdapg: ${local.prefix}"
  family      = "aurora-postgresql${local.postgres_major}"

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
    host        = aws_rds_cluster.database.endpoint
    resource_id = aws_rds_cluster.database.cluster_resource_id
    pauses      = local.min_acu == 0
  }
}

output "databaseHost" {
  value = aws_rds_cluster.database.endpoint
}

output "databasePort" {
  value = 5432
}

output "databaseName" {
  value = local.database_name
}

output "adminSecretArn" {
  description = "The master user's secret, which RDS keeps and rotates."
  value       = one(aws_rds_cluster.database.master_user_secret[*].secret_arn)
}
