# Secrets are made here as empty containers: there is no value in these files, in a plan or in the state. `lambdapg deploy` fills
# those that are empty and makes the logins in the database, and rotation changes the values later: neither is Terraform's.

variable "secret_recovery_days" {
  description = "How many days a deleted secret can be restored. Its name is taken for as long; 0 deletes it at once."
  type        = number
  default     = 7

  validation {
    condition     = var.secret_recovery_days == 0 || var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30
    error_message = "Secrets Manager keeps deleted secrets for 7 to 30 days, or not at all (0)."
  }
}

# The login that functions read.
resource "aws_secretsmanager_secret" "active" {
  name                    = "${local.prefix}/active"
  description             = "lambdapg: login of ${local.prefix} (active)"
  recovery_window_in_days = var.secret_recovery_days

  tags = { Name = "${local.prefix}-active", "lambdapg:resource" = "active" }
}

locals {
  login_environment = { LAMBDAPG_SECRET_ARN = aws_secretsmanager_secret.active.arn }

  # Encrypted with the key that Secrets Manager has in every account, which takes no permission of its own.
  login_statements = [{
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = aws_secretsmanager_secret.active.arn
  }]

  iam_authentication = false
}

output "secretArn" {
  description = "The secret that functions read."
  value       = aws_secretsmanager_secret.active.arn
}
