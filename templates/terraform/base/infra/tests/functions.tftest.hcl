# `terraform test`, after `npx lambdapg package`: no account and no network is needed.
mock_provider "aws" {
  source = "./tests/mocks"
}

run "every_function" {
  assert {
    condition     = keys(aws_lambda_function.function) == keys(local.functions)
    error_message = "every function of lambdapg.json, and no other, is deployed"
  }

  assert {
    condition     = alltrue([for alias in aws_lambda_alias.live : alias.name == "live"])
    error_message = "everybody calls the alias live"
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.function : group.retention_in_days > 0])
    error_message = "no log is kept for ever"
  }

  assert {
    condition = alltrue(flatten([
      for fn in aws_lambda_function.function : [
        for name in keys(fn.environment[0].variables) : !contains(["PGPASSWORD", "DATABASE_URL"], name)
      ]
    ]))
    error_message = "no password stands among the variables"
  }

  assert {
    condition     = toset(keys(aws_apigatewayv2_route.route)) == toset(flatten([for fn in local.functions : try(fn.routes, [])]))
    error_message = "every route of lambdapg.json leads somewhere"
  }

  assert {
    condition     = alltrue([for route in aws_apigatewayv2_route.route : route.authorization_type == "NONE"])
    error_message = "without jwt_issuer everybody may call the API"
  }
}

run "tokens" {
  variables {
    jwt_issuer   = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_mock"
    jwt_audience = ["client"]
  }

  assert {
    condition = alltrue([
      for route in aws_apigatewayv2_route.route :
      route.authorization_type == "JWT" && route.authorizer_id == aws_apigatewayv2_authorizer.jwt[0].id
    ])
    error_message = "with jwt_issuer every route asks for a token"
  }
}

run "routes_without_a_token" {
  variables {
    jwt_issuer        = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_mock"
    jwt_audience      = ["client"]
    jwt_public_routes = flatten([for fn in jsondecode(file("../lambdapg.json")).functions : try(fn.routes, [])])
  }

  assert {
    condition     = alltrue([for route in aws_apigatewayv2_route.route : route.authorization_type == "NONE"])
    error_message = "a route that is named needs no token"
  }
}

run "tokens_of_any_application" {
  command = plan

  variables {
    jwt_issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_mock"
  }

  expect_failures = [var.jwt_issuer]
}
