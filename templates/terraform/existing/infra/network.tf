# Subnets that exist, with what leads out of them: looked at, never changed.

variable "subnet_ids" {
  description = "At least two subnets, in two zones of one VPC, for functions and database alike; null: as lambdapg.json says."
  type        = list(string)
  default     = null
}

data "aws_subnet" "existing" {
  for_each = toset(var.subnet_ids != null ? var.subnet_ids : try(local.cloud.network.subnetIds, []))

  id = each.key
}

locals {
  vpc_ids = distinct([for subnet in data.aws_subnet.existing : subnet.vpc_id])

  network = {
    vpc_id     = one(local.vpc_ids)
    subnet_ids = keys(data.aws_subnet.existing)
  }
}

output "vpcId" {
  description = "The VPC of the existing subnets."
  value       = local.network.vpc_id

  precondition {
    condition     = length(distinct([for subnet in data.aws_subnet.existing : subnet.availability_zone])) >= 2
    error_message = "RDS needs subnets in two availability zones: name them in cloud.network.subnetIds of lambdapg.json, or in subnet_ids."
  }
}
