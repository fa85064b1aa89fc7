mock_provider "aws" {
  source = "./tests/mocks"
}

run "private_and_encrypted" {
  assert {
    condition     = !aws_rds_cluster_instance.writer.publicly_accessible && aws_rds_cluster.database.storage_encrypted
    error_message = "the database is private and encrypted"
  }

  assert {
    condition     = aws_rds_cluster.database.manage_master_user_password && aws_rds_cluster.database.master_password == null
    error_message = "RDS keeps the master user's password, not Terraform"
  }

  assert {
    condition     = anytrue([for one in aws_rds_cluster_parameter_group.database.parameter : one.name == "rds.force_ssl" && one.value == "1"])
    error_message = "connections without TLS are refused"
  }
}

run "last_snapshot" {
  assert {
    condition = (
      !aws_rds_cluster.database.skip_final_snapshot &&
      can(regex("-final-[0-9]{14}$", aws_rds_cluster.database.final_snapshot_identifier))
    )
    error_message = "a database that is deleted leaves a snapshot"
  }
}

run "last_days" {
  variables {
    deletion_protection = false
    final_snapshot      = false
  }

  assert {
    condition     = !aws_rds_cluster.database.deletion_protection && aws_rds_cluster.database.skip_final_snapshot
    error_message = "a database may be deleted without a trace, when that is asked for"
  }
}

run "too_small" {
  command = plan

  variables {
    max_acu = 0.5
  }

  expect_failures = [var.max_acu]
}
