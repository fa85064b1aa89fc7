terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Only what both major versions know is used here.
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
