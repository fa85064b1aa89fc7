# How the proxy shares the database's connections out. docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-connections.html

variable "proxy_max_connections_percent" {
  description = "Share of the database's max_connections that the proxy may open; null: as lambdapg.json says, else 80. Below 100 something is left for those who connect directly (lambdapg's runner, people) and for another proxy."
  type        = number
  default     = null

  validation {
    condition     = var.proxy_max_connections_percent == null ? true : var.proxy_max_connections_percent >= 1 && var.proxy_max_connections_percent <= 100
    error_message = "It is a percentage, from 1 to 100."
  }
}

variable "proxy_max_idle_connections_percent" {
  description = "Share of max_connections that stays open while nobody needs it; null: as lambdapg.json says, else 50. Low frees the database's memory between bursts, high spares the next burst the time to connect. For spiky traffic with a high maximum: low."
  type        = number
  default     = null

  validation {
    condition     = var.proxy_max_idle_connections_percent == null ? true : var.proxy_max_idle_connections_percent >= 0 && var.proxy_max_idle_connections_percent <= 100
    error_message = "It is a percentage, from 0 to 100."
  }
}

variable "proxy_borrow_timeout_seconds" {
  description = "How long a client waits for a connection before it gets an error; null: as lambdapg.json says, else 120. It matters only while all connections of the pool are in use and the proxy may open no more. A function gives up at its own timeout, if that is shorter."
  type        = number
  default     = null

  validation {
    condition     = var.proxy_borrow_timeout_seconds == null ? true : var.proxy_borrow_timeout_seconds >= 0 && var.proxy_borrow_timeout_seconds <= 300
    error_message = "RDS Proxy lets clients wait for 0 to 300 seconds."
  }
}

variable "proxy_idle_client_timeout_seconds" {
  description = "Clients that ask nothing for this long are cut off; null: as lambdapg.json says, else 1800. A frozen environment that is cut off connects anew at its next call, without an error. It bounds how long an environment that is gone counts as a client."
  type        = number
  default     = null

  validation {
    condition     = var.proxy_idle_client_timeout_seconds == null ? true : var.proxy_idle_client_timeout_seconds >= 1 && var.proxy_idle_client_timeout_seconds <= 28800
    error_message = "RDS Proxy cuts idle clients off after 1 to 28800 seconds."
  }
}

variable "proxy_require_tls" {
  description = "Whether the proxy refuses clients without TLS; null: as lambdapg.json says, else true. The functions verify its certificate in any case."
  type        = bool
  default     = null
}

variable "proxy_debug_logging" {
  description = "Whether the proxy logs every statement, with its text, for some hours of searching. It costs, and the text may hold personal data."
  type        = bool
  default     = false
}

locals {
  proxy_max_connections_percent      = coalesce(var.proxy_max_connections_percent, try(local.cloud.proxy.maxConnectionsPercent, null), 80)
  proxy_max_idle_connections_percent = coalesce(var.proxy_max_idle_connections_percent, try(local.cloud.proxy.maxIdleConnectionsPercent, null), 50)
  proxy_borrow_timeout_seconds       = coalesce(var.proxy_borrow_timeout_seconds, try(local.cloud.proxy.borrowTimeoutSeconds, null), 120)
  proxy_idle_client_timeout_seconds  = coalesce(var.proxy_idle_client_timeout_seconds, try(local.cloud.proxy.idleClientTimeoutSeconds, null), 1800)
  proxy_require_tls                  = coalesce(var.proxy_require_tls, try(local.cloud.proxy.requireTls, null), true)
}
