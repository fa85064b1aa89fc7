resource "aws_db_proxy_default_target_group" "pool" {
  db_proxy_name = aws_db_proxy.proxy.name

  connection_pool_config {
    max_connections_percent      = local.proxy_max_connections_percent
    max_idle_connections_percent = min(local.proxy_max_idle_connections_percent, local.proxy_max_connections_percent)
    connection_borrow_timeout    = local.proxy_borrow_timeout_seconds
    # Two settings are left out on purpose. session_pinning_filters: the one there is, EXCLUDE_VARIABLE_SETS, is MySQL's; a SET of
    # PostgreSQL always pins its session. init_query: PostgreSQL's defaults belong to the role (ALTER ROLE … SET).
  }
}

resource "aws_iam_role" "proxy" {
  name        = "${local.prefix}-proxy"
  description = "lambdapg: proxy of ${local.prefix}"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "rds.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })

  tags = { Name = "${local.prefix}-proxy", "lambdapg:resource" = "proxy" }
}

resource "aws_security_group" "proxy" {
  name        = "${local.prefix}-proxy"
  description = "lambdapg: proxy of ${local.prefix}"
  vpc_id      = local.network.vpc_id

  tags = { Name = "${local.prefix}-proxy-group", "lambdapg:resource" = "proxy-group" }
}

resource "aws_vpc_security_group_egress_rule" "function_to_proxy" {
  security_group_id            = aws_security_group.function.id
  referenced_security_group_id = aws_security_group.proxy.id
  description                  = "lambdapg: function to proxy"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "proxy_from_function" {
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = aws_security_group.function.id
  description                  = "lambdapg: function to proxy"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "proxy_to_database" {
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = aws_security_group.database.id
  description                  = "lambdapg: proxy to database"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database_from_proxy" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.proxy.id
  description                  = "lambdapg: proxy to database"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "runner_to_proxy" {
  security_group_id            = aws_security_group.runner.id
  referenced_security_group_id = aws_security_group.proxy.id
  description                  = "lambdapg: runner to proxy"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "proxy_from_runner" {
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = aws_security_group.runner.id
  description                  = "lambdapg: runner to proxy"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

output "proxyHost" {
  value = aws_db_proxy.proxy.endpoint
}
