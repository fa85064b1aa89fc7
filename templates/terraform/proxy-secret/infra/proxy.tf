resource "aws_db_proxy" "proxy" {
  name                   = "${local.prefix}-proxy"
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy.arn
  vpc_subnet_ids         = local.network.subnet_ids
  vpc_security_group_ids = [aws_security_group.proxy.id]
  require_tls            = local.proxy_require_tls
  idle_client_timeout    = local.proxy_idle_client_timeout_seconds
  debug_logging          = var.proxy_debug_logging

  # A proxy knows one secret per login. There are two, so that one can be given a new password while the other is in use.
  dynamic "auth" {
    for_each = aws_secretsmanager_secret.slot

    content {
      auth_scheme               = "SECRETS"
      secret_arn                = auth.value.arn
      iam_auth                  = "DISABLED"
      client_password_auth_type = "POSTGRES_SCRAM_SHA_256"
    }
  }

  tags = { Name = "${local.prefix}-proxy", "lambdapg:resource" = "proxy" }

  depends_on = [aws_iam_role_policy.proxy]

  lifecycle {
    precondition {
      condition     = !local.database.pauses
      error_message = "RDS Proxy keeps connections open, so that Aurora with min_acu 0 would never pause. Set min_acu to 0.5 or more."
    }
  }
}

# Empty as the active one: `lambdapg deploy` fills them.
resource "aws_secretsmanager_secret" "slot" {
  for_each = toset(["a", "b"])

  name                    = "${local.prefix}/slot-${each.key}"
  description             = "lambdapg: login of ${local.prefix} (slot-${each.key})"
  recovery_window_in_days = var.secret_recovery_days

  tags = { Name = "${local.prefix}-slot-${each.key}", "lambdapg:resource" = "slot-${each.key}" }
}

resource "aws_iam_role_policy" "proxy" {
  name = "lambdapg"
  role = aws_iam_role.proxy.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [for secret in aws_secretsmanager_secret.slot : secret.arn]
    }]
  })
}
