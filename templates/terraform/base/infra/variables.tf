variable "region" {
  description = "AWS region; null: cloud.region of lambdapg.json, else the one of the AWS profile."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the functions' logs; null: as lambdapg.json says, else 14 days."
  type        = number
  default     = null
}

variable "reserve_concurrency" {
  description = <<-EOT
    Whether reservedConcurrency of lambdapg.json is asked for. It keeps a burst of requests from opening more connections than the
    database has. False in a new AWS account, whose limit of ten environments leaves none to reserve, and is itself the protection.
  EOT
  type        = bool
  default     = true
}

variable "jwt_issuer" {
  description = "Issuer of the tokens that the HTTP API asks for, such as https://cognito-idp.eu-central-1.amazonaws.com/<pool>; null: everybody may call it."
  type        = string
  default     = null

  validation {
    condition     = (var.jwt_issuer == null) == (length(var.jwt_audience) == 0)
    error_message = "jwt_issuer and jwt_audience belong together: without an audience a token for any other application would do."
  }
}

variable "jwt_audience" {
  description = "Audiences of which a token must name one (for Cognito: the app client's id)."
  type        = list(string)
  default     = []
}

variable "jwt_public_routes" {
  description = "Routes that need no token all the same, as they stand in lambdapg.json: \"GET /health\" there and here lets lambdapg deploy ask whether the functions work."
  type        = list(string)
  default     = []
}
