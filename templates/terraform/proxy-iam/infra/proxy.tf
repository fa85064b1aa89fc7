resource "aws_db_proxy" "proxy" {
  name                   = "${local.prefix}-proxy"
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy.arn
  vpc_subnet_ids         = local.network.subnet_ids
  vpc_security_group_ids = [aws_security_group.proxy.id]
  require_tls            = local.proxy_require_tls
  idle_client_timeout    = local.proxy_idle_client_timeout_seconds
  debug_logging          = var.proxy_debug_logging

  # From end to end: functions log in to the proxy with a token, and the proxy to the database with one of its own.
  default_auth_scheme = "IAM_AUTH"

  tags = { Name = "${local.prefix}-proxy", "lambdapg:resource" = "proxy" }

  depends_on = [aws_iam_role_policy.proxy]

  lifecycle {
    precondition {
      condition     = !local.database.pauses
      error_message = "RDS Proxy keeps connections open, so that Aurora with min_acu 0 would never pause. Set min_acu to 0.5 or more."
    }
  }
}

# The proxy itself logs in as either slot.
# docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-iam-setup.html#rds-proxy-iam-setup-e2e-steps
resource "aws_iam_role_policy" "proxy" {
  name = "lambdapg"
  role = aws_iam_role.proxy.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = ["rds-db:connect"]
      Resource = [
        for slot in ["a", "b"] : "${local.database_users}:${local.database.resource_id}/${local.database_name}_${slot}"
      ]
    }]
  })
}
