resource "aws_db_proxy_target" "database" {
  db_proxy_name         = aws_db_proxy.proxy.name
  target_group_name     = aws_db_proxy_default_target_group.pool.name
  db_cluster_identifier = aws_rds_cluster.database.cluster_identifier

  # A cluster answers once it has a member.
  depends_on = [aws_rds_cluster_instance.writer]
}
