# Heroku changes a database's credentials when it likes. The functions ask Heroku's API for them, with a key that stands in a secret,
# and again when they are refused. The secret is made here as an empty container, which `lambdapg deploy` fills from HEROKU_API_KEY;
# Terraform never looks at it.

variable "heroku_addon" {
  description = "Name or id of the Heroku Postgres add-on; null: cloud.database.herokuAddon of lambdapg.json."
  type        = string
  default     = null
}

variable "secret_recovery_days" {
  description = "How many days a deleted secret can be restored. Its name is taken for as long; 0 deletes it at once."
  type        = number
  default     = 7

  validation {
    condition     = var.secret_recovery_days == 0 || var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30
    error_message = "Secrets Manager keeps deleted secrets for 7 to 30 days, or not at all (0)."
  }
}

resource "aws_secretsmanager_secret" "heroku_key" {
  name                    = "${local.prefix}/heroku-key"
  description             = "lambdapg: key of Heroku's API for ${local.prefix}"
  recovery_window_in_days = var.secret_recovery_days

  tags = { Name = "${local.prefix}-heroku-key", "lambdapg:resource" = "heroku-key" }

  lifecycle {
    precondition {
      condition     = local.heroku_addon != null
      error_message = "Name the add-on in cloud.database.herokuAddon of lambdapg.json, or in heroku_addon. It is shown by: heroku addons"
    }
  }
}

locals {
  heroku_addon = var.heroku_addon != null ? var.heroku_addon : try(local.cloud.database.herokuAddon, null)

  connection_environment = {
    LAMBDAPG_HEROKU_ADDON = local.heroku_addon
    # Encrypted and not verified: Heroku Postgres signs its certificate itself.
    PGSSLMODE = "no-verify"
  }
  login_environment = { LAMBDAPG_HEROKU_KEY_ARN = aws_secretsmanager_secret.heroku_key.arn }

  login_statements = [{
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = aws_secretsmanager_secret.heroku_key.arn
  }]
}
