# A reader of the cluster, which takes over when the writer fails. What it shows is some milliseconds old.
resource "aws_rds_cluster_instance" "reader" {
  identifier           = "${local.prefix}-db-reader"
  cluster_identifier   = aws_rds_cluster.database.cluster_identifier
  engine               = aws_rds_cluster.database.engine
  instance_class       = "db.serverless"
  db_subnet_group_name = aws_db_subnet_group.database.name
  publicly_accessible  = false
  ca_cert_identifier   = "rds-ca-rsa2048-g1"
  promotion_tier       = 1
  apply_immediately    = true

  tags = { Name = "${local.prefix}-db-reader", "lambdapg:resource" = "db-reader" }

  # The first member of a cluster becomes its writer.
  depends_on = [aws_rds_cluster_instance.writer]
}

output "readerHost" {
  value = aws_rds_cluster.database.reader_endpoint
}
