mock_provider "aws" {
  source = "./tests/mocks"
}

run "pool" {
  assert {
    condition     = aws_db_proxy.proxy.require_tls
    error_message = "the proxy refuses clients without TLS"
  }

  assert {
    condition     = alltrue([for fn in aws_lambda_function.function : fn.environment[0].variables.PGHOST == aws_db_proxy.proxy.endpoint])
    error_message = "functions connect to the proxy"
  }

  assert {
    condition     = aws_db_proxy_default_target_group.pool.connection_pool_config[0].max_connections_percent < 100
    error_message = "something is left for those who connect directly"
  }
}

run "every_setting" {
  variables {
    proxy_max_connections_percent      = 60
    proxy_max_idle_connections_percent = 70
    proxy_borrow_timeout_seconds       = 0
    proxy_idle_client_timeout_seconds  = 60
    proxy_require_tls                  = false
    proxy_debug_logging                = true
  }

  assert {
    condition = (
      aws_db_proxy_default_target_group.pool.connection_pool_config[0].max_connections_percent == 60 &&
      aws_db_proxy_default_target_group.pool.connection_pool_config[0].max_idle_connections_percent == 60 &&
      aws_db_proxy_default_target_group.pool.connection_pool_config[0].connection_borrow_timeout == 0
    )
    error_message = "the pool has the settings, and never more idle connections than it may open"
  }

  assert {
    condition     = !aws_db_proxy.proxy.require_tls && aws_db_proxy.proxy.debug_logging && aws_db_proxy.proxy.idle_client_timeout == 60
    error_message = "the proxy has the settings"
  }
}

run "impossible_settings" {
  command = plan

  variables {
    proxy_max_connections_percent      = 0
    proxy_max_idle_connections_percent = 101
    proxy_borrow_timeout_seconds       = 301
    proxy_idle_client_timeout_seconds  = 0
  }

  expect_failures = [
    var.proxy_max_connections_percent,
    var.proxy_max_idle_connections_percent,
    var.proxy_borrow_timeout_seconds,
    var.proxy_idle_client_timeout_seconds,
  ]
}
