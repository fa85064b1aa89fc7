# The answers stand in lambdapg.json, where every lambdapg command reads them too. A variable of this module (in
# <stage>.tfvars, or TF_VAR_…) overrides the answer of the same kind for one stage.
locals {
  answers   = jsondecode(file("${path.module}/../lambdapg.json"))
  cloud     = try(local.answers.cloud, {})
  functions = local.answers.functions

  project = local.answers.name
  # The workspace is the stage: `terraform workspace select -or-create dev`.
  stage  = terraform.workspace
  prefix = "${local.project}-${local.stage}"

  # `npx lambdapg package` builds the zips: the same sources make the same bytes, so that nothing changes for nothing.
  packages = "${path.module}/../.lambdapg/package"
  # Empty until then, so that `terraform validate` and `destroy` need no build.
  package_hashes = { for file in fileset(local.packages, "*.zip") : file => filebase64sha256("${local.packages}/${file}") }

  log_retention_days = coalesce(var.log_retention_days, try(local.cloud.logRetentionDays, null), 14)
}
