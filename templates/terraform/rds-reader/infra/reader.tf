# A read replica. What it shows is as old as the replication's lag, seconds under load; it takes nothing over by itself.
resource "aws_db_instance" "reader" {
  identifier          = "${local.prefix}-db-reader"
  replicate_source_db = aws_db_instance.database.identifier
  instance_class      = local.instance_class
  storage_encrypted   = true

  iam_database_authentication_enabled = local.iam_authentication

  parameter_group_name       = aws_db_parameter_group.database.name
  vpc_security_group_ids     = [aws_security_group.database.id]
  publicly_accessible        = false
  port                       = 5432
  ca_cert_identifier         = "rds-ca-rsa2048-g1"
  copy_tags_to_snapshot      = true
  skip_final_snapshot        = true
  auto_minor_version_upgrade = true
  apply_immediately          = true

  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]

  tags = { Name = "${local.prefix}-db-reader", "lambdapg:resource" = "db-reader" }
}

locals {
  reader = {
    host         = aws_db_instance.reader.address
    resource_ids = [aws_db_instance.reader.resource_id]
  }
}

output "readerHost" {
  value = local.reader.host
}
