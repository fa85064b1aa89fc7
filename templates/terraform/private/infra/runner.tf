# The function through which lambdapg migrates, seeds and asks a database that no computer outside reaches. It costs nothing
# while nobody calls it, holds no secret, and may do nothing in AWS.

resource "aws_lambda_function" "runner" {
  function_name = "${local.prefix}-runner"
  description   = "lambdapg: works on the database of ${local.prefix}"
  role          = aws_iam_role.runner.arn
  runtime       = "nodejs22.x"
  architectures = ["arm64"]
  handler       = "index.handler"
  # A seed is parsed here; a migration may build an index for as long as Lambda lets it.
  memory_size = 1024
  timeout     = 900

  filename         = "${local.packages}/runner.zip"
  source_code_hash = lookup(local.package_hashes, "runner.zip", null)

  ephemeral_storage {
    size = 2048
  }

  vpc_config {
    subnet_ids         = local.network.subnet_ids
    security_group_ids = [aws_security_group.runner.id]
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.runner.name
  }

  tags = { Name = "${local.prefix}-runner", "lambdapg:resource" = "runner" }

  depends_on = [aws_iam_role_policy.runner]

  lifecycle {
    precondition {
      condition     = contains(keys(local.package_hashes), "runner.zip")
      error_message = "The runner is not built. Run: npx lambdapg package"
    }
  }
}

resource "aws_cloudwatch_log_group" "runner" {
  name              = "/aws/lambda/${local.prefix}-runner"
  retention_in_days = local.log_retention_days

  tags = { Name = "${local.prefix}-runner", "lambdapg:resource" = "runner" }
}

resource "aws_iam_role" "runner" {
  name        = "${local.prefix}-runner"
  description = "lambdapg: runner of ${local.prefix}"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })

  tags = { Name = "${local.prefix}-runner", "lambdapg:resource" = "runner" }
}

resource "aws_iam_role_policy" "runner" {
  name = "lambdapg"
  role = aws_iam_role.runner.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.runner.arn}:*"
      },
      local.network_interfaces_statement,
    ]
  })
}

resource "aws_security_group" "runner" {
  name        = "${local.prefix}-runner"
  description = "lambdapg: runner of ${local.prefix}"
  vpc_id      = local.network.vpc_id

  tags = { Name = "${local.prefix}-runner-group", "lambdapg:resource" = "runner-group" }
}

resource "aws_vpc_security_group_egress_rule" "runner_to_database" {
  security_group_id            = aws_security_group.runner.id
  referenced_security_group_id = aws_security_group.database.id
  description                  = "lambdapg: runner to database"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database_from_runner" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.runner.id
  description                  = "lambdapg: runner to database"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

output "runnerName" {
  description = "The function through which lambdapg reaches the database."
  value       = aws_lambda_function.runner.function_name
}
