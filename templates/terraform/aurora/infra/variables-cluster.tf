variable "min_acu" {
  description = "Smallest capacity of Aurora Serverless v2, in units of 2 GiB; null: as lambdapg.json says, else 0.5. With 0 it pauses, and the first connection after that waits about 15 seconds."
  type        = number
  default     = null

  validation {
    condition     = var.min_acu == null ? true : var.min_acu >= 0 && var.min_acu <= 256
    error_message = "Aurora Serverless v2 has 0 to 256 ACU, in steps of 0.5."
  }
}

variable "max_acu" {
  description = "Largest capacity, in units of 2 GiB; null: as lambdapg.json says, else 2. It decides max_connections, at any capacity."
  type        = number
  default     = null

  validation {
    condition     = var.max_acu == null ? true : var.max_acu >= 1 && var.max_acu <= 256
    error_message = "Aurora Serverless v2 has 1 to 256 ACU at the most, in steps of 0.5."
  }
}

variable "auto_pause_seconds" {
  description = "How long nobody may be connected before a cluster with min_acu 0 pauses; null: as lambdapg.json says, else 300."
  type        = number
  default     = null

  validation {
    condition     = var.auto_pause_seconds == null ? true : var.auto_pause_seconds >= 300 && var.auto_pause_seconds <= 86400
    error_message = "Aurora pauses after 300 to 86400 seconds."
  }
}

locals {
  min_acu            = coalesce(var.min_acu, try(local.cloud.database.minAcu, null), 0.5)
  max_acu            = coalesce(var.max_acu, try(local.cloud.database.maxAcu, null), 2)
  auto_pause_seconds = coalesce(var.auto_pause_seconds, try(local.cloud.database.autoPauseSeconds, null), 300)
}
