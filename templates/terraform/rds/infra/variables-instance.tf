variable "instance_class" {
  description = "Size of the instance; null: as lambdapg.json says, else db.t4g.micro. Its memory decides max_connections: LEAST(memory / 9531392, 5000)."
  type        = string
  default     = null
}

variable "storage_gb" {
  description = "Storage in GiB; null: as lambdapg.json says, else 20. It can grow and never shrink."
  type        = number
  default     = null

  validation {
    condition     = var.storage_gb == null ? true : var.storage_gb >= 20 && var.storage_gb <= 65536
    error_message = "gp3 storage of PostgreSQL is 20 to 65536 GiB."
  }
}

variable "multi_az" {
  description = "Whether a standby in a second zone takes over when the first fails, at twice the price; null: as lambdapg.json says, else false."
  type        = bool
  default     = null
}

locals {
  instance_class = coalesce(var.instance_class, try(local.cloud.database.instanceClass, null), "db.t4g.micro")
  storage_gb     = coalesce(var.storage_gb, try(local.cloud.database.storageGb, null), 20)
  multi_az       = coalesce(var.multi_az, try(local.cloud.database.multiAz, null), false)
}
