# The functions' way to the internet and to AWS, by HTTPS alone. Nobody comes in by it.
resource "aws_vpc_security_group_egress_rule" "function_to_internet" {
  security_group_id = aws_security_group.function.id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "lambdapg: function to internet"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
