"""What moto gets wrong or lacks. Each file mends one service, or one part of it; LEDGER.md lists every row."""

from . import (  # noqa: F401
    function_versions,
    functions,
    http_stages,
    identity,
    network,
    parameters,
    prices,
    proxies,
    proxy_endpoints,
    proxy_targets,
    rds_catalog,
    rds_clusters,
    rds_instances,
    remote_only,
    rotation,
    secrets,
    subnet_groups,
)
