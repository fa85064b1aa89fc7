mock_provider "aws" {
  source = "./tests/mocks"
}

run "private_subnets" {
  assert {
    condition     = aws_subnet.private["a"].availability_zone != aws_subnet.private["b"].availability_zone
    error_message = "RDS needs two availability zones"
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.map_public_ip_on_launch != true])
    error_message = "nothing in the private subnets has a public address"
  }

  assert {
    condition     = aws_vpc.vpc.enable_dns_hostnames && aws_vpc.vpc.enable_dns_support
    error_message = "the private name of an endpoint resolves only with both"
  }
}
