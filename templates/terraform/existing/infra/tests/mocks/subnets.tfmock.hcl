# Of one VPC; each has another zone, because what is not said is made up.
mock_data "aws_subnet" {
  defaults = { vpc_id = "vpc-0123456789abcdef0" }
}
