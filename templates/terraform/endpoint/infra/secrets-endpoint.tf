# The way from subnets without an exit to Secrets Manager. It costs by the hour and zone, used or not.
resource "aws_vpc_endpoint" "secrets" {
  vpc_id              = local.network.vpc_id
  service_name        = "com.amazonaws.${local.region}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = local.network.subnet_ids
  security_group_ids  = [aws_security_group.endpoint.id]
  private_dns_enabled = true

  tags = { Name = "${local.prefix}-secrets", "lambdapg:resource" = "secrets" }
}

resource "aws_security_group" "endpoint" {
  name        = "${local.prefix}-endpoint"
  description = "lambdapg: endpoint of ${local.prefix}"
  vpc_id      = local.network.vpc_id

  tags = { Name = "${local.prefix}-endpoint-group", "lambdapg:resource" = "endpoint-group" }
}

resource "aws_vpc_security_group_egress_rule" "function_to_endpoint" {
  security_group_id            = aws_security_group.function.id
  referenced_security_group_id = aws_security_group.endpoint.id
  description                  = "lambdapg: function to endpoint"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_ingress_rule" "endpoint_from_function" {
  security_group_id            = aws_security_group.endpoint.id
  referenced_security_group_id = aws_security_group.function.id
  description                  = "lambdapg: function to endpoint"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}
