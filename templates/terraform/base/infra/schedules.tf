locals {
  schedules = { for name, fn in local.functions : name => fn.schedule if try(fn.schedule, null) != null }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.schedules

  name                = "${local.prefix}-${each.key}"
  description         = "lambdapg: schedule of ${each.key}"
  schedule_expression = each.value

  tags = { Name = "${local.prefix}-schedule-${each.key}", "lambdapg:resource" = "schedule-${each.key}" }
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = aws_cloudwatch_event_rule.schedule

  rule      = each.value.name
  target_id = "lambdapg"
  arn       = aws_lambda_alias.live[each.key].arn
}

resource "aws_lambda_permission" "schedule" {
  for_each = aws_cloudwatch_event_rule.schedule

  statement_id  = "lambdapg-schedule"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  function_name = aws_lambda_function.function[each.key].function_name
  qualifier     = aws_lambda_alias.live[each.key].name
  source_arn    = each.value.arn
}
