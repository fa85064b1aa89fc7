# The proxy's endpoint for the cluster's readers. RDS Proxy has none for an instance's read replica.
resource "aws_db_proxy_endpoint" "reader" {
  db_proxy_name          = aws_db_proxy.proxy.name
  db_proxy_endpoint_name = "${local.prefix}-proxy-reader"
  target_role            = "READ_ONLY"
  vpc_subnet_ids         = local.network.subnet_ids
  vpc_security_group_ids = [aws_security_group.proxy.id]

  tags = { Name = "${local.prefix}-proxy-reader", "lambdapg:resource" = "proxy-reader" }
}

output "proxyReaderHost" {
  value = aws_db_proxy_endpoint.reader.endpoint
}
