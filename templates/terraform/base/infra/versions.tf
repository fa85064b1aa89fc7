terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Only what both major versions know is used here. Newer runtimes take a newer provider: nodejs24.x 6.19, python3.14 6.20
      # (github.com/hashicorp/terraform-provider-aws/pull/45024).
      version = ">= 5.100, < 7.0"
    }
  }

  # Without a backend the state is a file on this computer, in terraform.tfstate.d/<stage>. For more than one person keep it in a
  # bucket (versioned, encrypted, not public); every workspace then has its own key below `env:/`.
  #
  # backend "s3" {
  #   bucket       = "a-bucket-of-yours"
  #   key          = "__PROJECT__/terraform.tfstate"
  #   region       = "eu-central-1"
  #   use_lockfile = true
  # }
}
