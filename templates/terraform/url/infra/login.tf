# The secret is made here as an empty container: there is no value in these files, in a plan or in the state. `lambdapg deploy`
# fills it while it is empty; a new password is put there by hand or by the provider of the database, and the functions read it when
# the old one is refused. Terraform never looks at it.

variable "secret_recovery_days" {
  description = "How many days a deleted secret can be restored. Its name is taken for as long; 0 deletes it at once."
  type        = number
  default     = 7

  validation {
    condition     = var.secret_recovery_days == 0 || var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30
    error_message = "Secrets Manager keeps deleted secrets for 7 to 30 days, or not at all (0)."
  }
}

# {"host": …, "port": …, "dbname": …, "username": …, "password": …}
resource "aws_secretsmanager_secret" "active" {
  name                    = "${local.prefix}/active"
  description             = "lambdapg: database of ${local.prefix} (active)"
  recovery_window_in_days = var.secret_recovery_days

  tags = { Name = "${local.prefix}-active", "lambdapg:resource" = "active" }
}

locals {
  connection_environment = { PGSSLMODE = "verify-full" }
  login_environment      = { LAMBDAPG_SECRET_ARN = aws_secretsmanager_secret.active.arn }

  login_statements = [{
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = aws_secretsmanager_secret.active.arn
  }]
}

output "secretArn" {
  description = "The secret that functions read."
  value       = aws_secretsmanager_secret.active.arn
}
