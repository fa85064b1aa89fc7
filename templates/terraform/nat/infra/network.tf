# Two private subnets, and one public one for the NAT gateway through which functions reach the internet and AWS. One gateway, and
# not one per zone: it costs by the hour, and when its zone fails the functions keep their database and lose only what is outside.

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

resource "aws_route" "private_to_nat" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.nat.id
}

resource "aws_nat_gateway" "nat" {
  subnet_id     = aws_subnet.public.id
  allocation_id = aws_eip.nat.id

  tags = { Name = "${local.prefix}-nat", "lambdapg:resource" = "nat" }

  depends_on = [aws_route.public_to_internet]
}

resource "aws_eip" "nat" {
  domain = "vpc"

  tags = { Name = "${local.prefix}-nat-address", "lambdapg:resource" = "nat-address" }

  depends_on = [aws_internet_gateway.internet]
}

resource "aws_subnet" "public" {
  vpc_id            = aws_vpc.vpc.id
  cidr_block        = cidrsubnet(local.cidr, 2, 2)
  availability_zone = local.zones[0]

  tags = { Name = "${local.prefix}-public-a", "lambdapg:resource" = "public-a" }
}

resource "aws_internet_gateway" "internet" {
  vpc_id = aws_vpc.vpc.id

  tags = { Name = "${local.prefix}-internet", "lambdapg:resource" = "internet" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.vpc.id

  tags = { Name = "${local.prefix}-public-routes", "lambdapg:resource" = "public-routes" }
}

resource "aws_route" "public_to_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.internet.id
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}
