mock_provider "aws" {
  source = "./tests/mocks"
}

run "the_subnets_that_are_named" {
  variables {
    subnet_ids = ["subnet-0b", "subnet-0a"]
  }

  assert {
    condition     = toset(aws_lambda_function.runner.vpc_config[0].subnet_ids) == toset(["subnet-0a", "subnet-0b"])
    error_message = "functions are in the subnets that are named"
  }
}

run "one_zone" {
  command = plan

  variables {
    subnet_ids = ["subnet-0a"]
  }

  expect_failures = [output.vpcId]
}
