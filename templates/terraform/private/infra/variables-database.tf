variable "database_version" {
  description = "PostgreSQL version such as \"17.9\"; null: as lambdapg.json says, else the newest of its major version. RDS Proxy takes a new one some months after RDS."
  type        = string
  default     = null
}

variable "backup_days" {
  description = "How many days the database can be restored to any moment of; null: as lambdapg.json says, else 7."
  type        = number
  default     = null

  validation {
    condition     = var.backup_days == null ? true : var.backup_days >= 1 && var.backup_days <= 35
    error_message = "RDS keeps backups for 1 to 35 days."
  }
}

variable "deletion_protection" {
  description = "AWS refuses to delete the database while this is true; null: as lambdapg.json says, else true. To destroy the stage, apply false first."
  type        = bool
  default     = null
}

variable "final_snapshot" {
  description = "Whether a snapshot is taken when the database is deleted; without one its data are lost. Apply false before you destroy: Terraform reads it from the state."
  type        = bool
  default     = true
}

# When the stage was made, for the name of its last snapshot: a later stage of the same name has another one.
resource "terraform_data" "made" {
  input = formatdate("YYYYMMDDhhmmss", plantimestamp())

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  # PostgreSQL's names have no hyphens: it, and the logins <name>_a and <name>_b.
  database_name = replace(local.project, "-", "_")

  postgres_major      = tostring(try(local.answers.postgres.version, 17))
  database_version    = coalesce(var.database_version, try(local.cloud.database.version, null), local.postgres_major)
  backup_days         = coalesce(var.backup_days, try(local.cloud.database.backupDays, null), 7)
  deletion_protection = coalesce(var.deletion_protection, try(local.cloud.database.deletionProtection, null), true)

  final_snapshot_name = var.final_snapshot ? "${local.prefix}-final-${terraform_data.made.output}" : null
}
