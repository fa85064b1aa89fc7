# Who may talk to whom. Groups hold no rules of their own: each connection is one rule at either end, in the file of the thing that
# needs it, and nothing else is open. (A new group of AWS lets everything out; the provider takes that rule away.)

resource "aws_security_group" "function" {
  name        = "${local.prefix}-function"
  description = "lambdapg: function of ${local.prefix}"
  vpc_id      = local.network.vpc_id

  tags = { Name = "${local.prefix}-function-group", "lambdapg:resource" = "function-group" }
}

resource "aws_security_group" "database" {
  name        = "${local.prefix}-database"
  description = "lambdapg: database of ${local.prefix}"
  vpc_id      = local.network.vpc_id

  tags = { Name = "${local.prefix}-database-group", "lambdapg:resource" = "database-group" }
}
