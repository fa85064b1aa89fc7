# Functions log in with a token that they sign with their role: there is no secret of theirs to keep, to read or to rotate.
#
# The master user alone has a password, because the provider cannot make one without:
# github.com/hashicorp/terraform-provider-aws/pull/49670. RDS keeps it, lambdapg reads it from outside the network.
locals {
  login_environment = { LAMBDAPG_DB_AUTH = "iam", PGUSER = "${local.database_name}_a" }

  # docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
  login_statements = [{
    Effect   = "Allow"
    Action   = ["rds-db:connect"]
    Resource = "${local.database_users}:${local.front.resource_id}/${local.database_name}_a"
  }]

  database_users = "arn:${local.partition}:rds-db:${local.region}:${local.account_id}:dbuser"

  iam_authentication = true
}
