provider "aws" {
  # Null: the one of the AWS profile or of AWS_REGION.
  region = var.region != null ? var.region : try(local.cloud.region, null)

  default_tags {
    tags = {
      "lambdapg:project" = local.project
      "lambdapg:stage"   = local.stage
      "lambdapg:engine"  = "terraform"
    }
  }
}

data "aws_region" "current" {}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

locals {
  # `id` and not `name` or `region`: the one attribute that providers 5 and 6 both have.
  region     = data.aws_region.current.id
  partition  = data.aws_partition.current.partition
  account_id = data.aws_caller_identity.current.account_id
}
