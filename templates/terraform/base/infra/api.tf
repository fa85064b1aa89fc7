resource "aws_apigatewayv2_api" "http" {
  name          = local.prefix
  description   = "lambdapg: HTTP API of ${local.prefix}"
  protocol_type = "HTTP"

  tags = { Name = "${local.prefix}-http-api", "lambdapg:resource" = "http-api" }
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true

  tags = { Name = "${local.prefix}-http-stage", "lambdapg:resource" = "http-stage" }
}

locals {
  # "GET /books/{id}" = "api". A route that takes everything is "$default": "ANY /{proxy+}" does not match "/".
  routes = merge([for name, fn in local.functions : { for key in try(fn.routes, []) : key => name }]...)

  guarded_routes = var.jwt_issuer == null ? [] : setsubtract(keys(local.routes), var.jwt_public_routes)
}

resource "aws_apigatewayv2_integration" "function" {
  for_each = toset(values(local.routes))

  api_id                 = aws_apigatewayv2_api.http.id
  description            = "lambdapg: ${local.prefix}-${each.key}"
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live[each.key].arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "route" {
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.http.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.function[each.value].id}"
  authorization_type = contains(local.guarded_routes, each.key) ? "JWT" : "NONE"
  authorizer_id      = contains(local.guarded_routes, each.key) ? aws_apigatewayv2_authorizer.jwt[0].id : null
}

# The API checks signature, issuer, audience and expiry before a function is called, and passes the claims on to it.
resource "aws_apigatewayv2_authorizer" "jwt" {
  count = var.jwt_issuer == null ? 0 : 1

  api_id           = aws_apigatewayv2_api.http.id
  name             = "${local.prefix}-jwt"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = var.jwt_issuer
    audience = var.jwt_audience
  }
}

resource "aws_lambda_permission" "http" {
  for_each = aws_apigatewayv2_integration.function

  statement_id  = "lambdapg-http"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = aws_lambda_function.function[each.key].function_name
  qualifier     = aws_lambda_alias.live[each.key].name
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/*"
}
