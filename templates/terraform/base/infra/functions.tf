# What all functions of lambdapg.json have alike; function.tf is the function itself.

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  # Made here, before the function: Lambda would make one that keeps its lines for ever.
  name              = "/aws/lambda/${local.prefix}-${each.key}"
  retention_in_days = local.log_retention_days

  tags = { Name = "${local.prefix}-${each.key}", "lambdapg:resource" = each.key }
}

# A role for one function alone.
resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = "${local.prefix}-${each.key}"
  description = "lambdapg: ${each.key} of ${local.prefix}"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })

  tags = { Name = "${local.prefix}-${each.key}", "lambdapg:resource" = each.key }
}

# Everybody calls the alias, nobody a version.
resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = "live"
  function_name    = aws_lambda_function.function[each.key].function_name
  function_version = aws_lambda_function.function[each.key].version

  lifecycle {
    # Weights are given while a version is tried or credentials are rotated, and taken back by whoever gave them.
    ignore_changes = [routing_config]
  }
}
