# Two private subnets without a way in or out: no internet gateway, no NAT. What functions need of AWS comes by an endpoint.
# Lambda shares network interfaces between the environments of a group and subnet, so that small subnets do at any concurrency.

data "aws_availability_zones" "available" {
  state = "available"

  filter {
    name   = "zone-type"
    values = ["availability-zone"]
  }
}

locals {
  cidr  = try(local.cloud.network.cidr, "10.20.0.0/22")
  zones = slice(sort(data.aws_availability_zones.available.names), 0, 2)

  network = {
    vpc_id     = aws_vpc.vpc.id
    subnet_ids = [for key in ["a", "b"] : aws_subnet.private[key].id]
  }
}

resource "aws_vpc" "vpc" {
  cidr_block = local.cidr
  # The private name of an interface endpoint resolves only with both.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = "${local.prefix}-vpc", "lambdapg:resource" = "vpc" }
}

resource "aws_subnet" "private" {
  for_each = { a = 0, b = 1 }

  vpc_id            = aws_vpc.vpc.id
  cidr_block        = cidrsubnet(local.cidr, 2, each.value)
  availability_zone = local.zones[each.value]

  tags = { Name = "${local.prefix}-private-${each.key}", "lambdapg:resource" = "private-${each.key}" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.vpc.id

  tags = { Name = "${local.prefix}-private-routes", "lambdapg:resource" = "private-routes" }
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}
