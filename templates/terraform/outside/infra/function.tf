locals {
  architecture = try(local.answers.architecture, "arm64")
}

resource "aws_lambda_function" "function" {
  for_each = local.functions

  function_name = "${local.prefix}-${each.key}"
  role          = aws_iam_role.function[each.key].arn
  runtime       = local.answers.runtime
  architectures = [local.architecture]
  handler       = local.handlers[each.key]
  layers        = local.layers
  memory_size   = try(each.value.memoryMb, 256)
  timeout       = try(each.value.timeoutSeconds, 10)
  # Each change becomes a version of its own, for the alias to point to.
  publish = true

  filename         = "${local.packages}/${each.key}.zip"
  source_code_hash = lookup(local.package_hashes, "${each.key}.zip", null)

  # Every environment holds one connection: this is the most that the function opens. -1: no reservation.
  reserved_concurrent_executions = var.reserve_concurrency ? try(each.value.reservedConcurrency, -1) : -1

  environment {
    # Never a password: it is read at run time, or made from the role.
    variables = merge(try(each.value.environment, {}), local.connection_environment, local.login_environment)
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tags = { Name = "${local.prefix}-${each.key}", "lambdapg:resource" = "function-${each.key}" }

  lifecycle {
    precondition {
      condition     = contains(keys(local.package_hashes), "${each.key}.zip")
      error_message = "The function ${each.key} is not built. Run: npx lambdapg package"
    }
  }
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "lambdapg"
  role = aws_iam_role.function[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
      },
    ], local.login_statements)
  })
}
