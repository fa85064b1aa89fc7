resource "aws_db_proxy_target" "database" {
  db_proxy_name          = aws_db_proxy.proxy.name
  target_group_name      = aws_db_proxy_default_target_group.pool.name
  db_instance_identifier = aws_db_instance.database.identifier
}
