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

locals {
  # `id` and not `name` or `region`: the one attribute that providers 5 and 6 both have.
  region = data.aws_region.current.id
}
