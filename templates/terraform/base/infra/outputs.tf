output "url" {
  description = "Where the HTTP API answers."
  value       = aws_apigatewayv2_api.http.api_endpoint
}

output "region" {
  value = local.region
}

output "stage" {
  value = local.stage

  precondition {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", local.stage))
    error_message = "The workspace \"${local.stage}\" cannot name a stage: a letter, then at most eleven letters or digits. Run: terraform workspace select -or-create dev"
  }
}
