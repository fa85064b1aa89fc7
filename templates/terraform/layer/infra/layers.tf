# The packages of requirements.txt, built for the functions' own system by `npx lambdapg package`. They change seldom, so a change
# of the code uploads the code alone.
resource "aws_lambda_layer_version" "packages" {
  layer_name               = "${local.prefix}-packages"
  description              = "lambdapg: Python packages of ${local.prefix}"
  filename                 = "${local.packages}/layer.zip"
  source_code_hash         = lookup(local.package_hashes, "layer.zip", null)
  compatible_runtimes      = [local.answers.runtime]
  compatible_architectures = [local.architecture]

  lifecycle {
    # Functions never point to a version that is gone.
    create_before_destroy = true

    precondition {
      condition     = contains(keys(local.package_hashes), "layer.zip")
      error_message = "The layer is not built. Run: npx lambdapg package"
    }
  }
}

locals {
  # ARNs of Lambda layers for every function. At most five, and 250 MB unpacked together with the function.
  layers = [aws_lambda_layer_version.packages.arn]
}
