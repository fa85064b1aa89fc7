"""Parameter groups: the engine's defaults, what may be changed, none deleted in use.

Names, types and defaults: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import AwsError
from ..overlays import in_state
from ..registry import repairs
from .rds_catalog import VERSIONS, family
from .rds_instances import rds, wrong


class Default(NamedTuple):
    value: str | None
    static: bool
    type: str
    allowed: str | None = None


DEFAULTS = {
    "max_connections": Default("LEAST({DBInstanceClassMemory/9531392},5000)", True, "integer", "6-262143"),
    "rds.force_ssl": Default("1", False, "boolean", "0,1"),
    "password_encryption": Default("scram-sha-256", False, "string", "md5,scram-sha-256"),
    "rds.accepted_password_auth_method": Default("md5+scram", False, "string", "md5+scram,scram"),
    "shared_preload_libraries": Default("pg_stat_statements", True, "list"),
    "log_min_duration_statement": Default(None, False, "integer", "-1-2147483647"),
    "log_statement": Default(None, False, "string", "none,ddl,mod,all"),
    "log_connections": Default(None, False, "boolean", "0,1"),
    "idle_in_transaction_session_timeout": Default("86400000", False, "integer", "0-2147483647"),
    "idle_session_timeout": Default(None, False, "integer", "0-2147483647"),
    "statement_timeout": Default(None, False, "integer", "0-2147483647"),
    "superuser_reserved_connections": Default(None, True, "integer", "0-262143"),
    "rds.rds_superuser_reserved_connections": Default("2", True, "integer", "0-8388607"),
    "rds.logical_replication": Default("0", True, "boolean", "0,1"),
    "tcp_keepalives_idle": Default("300", False, "integer", "0-2147483647"),
    "timezone": Default("UTC", False, "string"),
    "work_mem": Default(None, False, "integer", "64-2147483647"),
}


def default_of(name: str, group_family: str) -> Default:
    default = DEFAULTS[name]
    # force_ssl is on from PostgreSQL 15: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    if name == "rds.force_ssl" and int(group_family.removeprefix("aurora-postgresql").removeprefix("postgres")) < (17 if "aurora" in group_family else 15):
        return default._replace(value="0")
    return default


def described(group_family: str, changed: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for name in sorted(DEFAULTS):
        default = default_of(name, group_family)
        own = changed.get(name, {})
        value = own.get("ParameterValue", default.value)
        found.append(
            {
                "ParameterName": name,
                **({} if value is None else {"ParameterValue": value}),
                "Description": f"Sets {name}",
                "Source": "user" if own else ("engine-default" if default.value is None else "system"),
                "ApplyType": "static" if default.static else "dynamic",
                "DataType": default.type,
                **({"AllowedValues": default.allowed} if default.allowed else {}),
                "IsModifiable": True,
                "ApplyMethod": own.get("ApplyMethod", "pending-reboot"),
            }
        )
    return found


FAMILIES = {family(engine, version) for engine, versions in VERSIONS.items() for version in versions}


@repairs("rds-parameter-defaults", "rds", "DescribeDBParameters", "DescribeDBClusterParameters")
def describe(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input.get("DBParameterGroupName") or call.input.get("DBClusterParameterGroupName")
    default_family = name.removeprefix("default.")
    if name.startswith("default.") and default_family in FAMILIES:
        changed: dict[str, dict[str, Any]] = {}
        group_family = default_family
    else:
        changed = {parameter["ParameterName"]: parameter for parameter in proceed().get("Parameters", [])}
        groups = rds(call).db_parameter_groups if call.action == "DescribeDBParameters" else rds(call).db_cluster_parameter_groups
        # moto keeps the family of a cluster's group under another name.
        group = groups[name]
        group_family = getattr(group, "family", None) or group.db_parameter_group_family
    if group_family not in FAMILIES:
        return proceed()
    found = described(group_family, changed)
    if call.input.get("Source"):
        found = [parameter for parameter in found if parameter["Source"] == call.input["Source"]]
    return page(found, call.input)


def page(found: list[dict[str, Any]], input: dict[str, Any]) -> dict[str, Any]:
    start, size = int(input.get("Marker") or 0), input.get("MaxRecords") or 100
    end = start + size
    return {"Parameters": found[start:end], **({"Marker": str(end)} if end < len(found) else {})}


@repairs("rds-parameter-group-refusals", "rds", "CreateDBParameterGroup", "CreateDBClusterParameterGroup")
def refuse_family(call: Any, proceed: Any) -> dict[str, Any]:
    asked = call.input["DBParameterGroupFamily"]
    if "postgres" in asked and asked not in FAMILIES:
        raise wrong("InvalidParameterValue", f"ParameterGroupFamily {asked} is not a valid parameter group family")
    return proceed()


@repairs("rds-parameter-refusals", "rds", "ModifyDBParameterGroup", "ModifyDBClusterParameterGroup")
def refuse_parameters(call: Any, proceed: Any) -> dict[str, Any]:
    for parameter in call.input["Parameters"]:
        name = parameter.get("ParameterName", "")
        if name not in DEFAULTS:
            raise wrong("InvalidParameterValue", f"Could not find parameter with name: {name}")
        if DEFAULTS[name].static and parameter.get("ApplyMethod") == "immediate":
            raise wrong("InvalidParameterCombination", "cannot use immediate apply method for static parameter")
    return proceed()


@repairs("rds-parameter-group-in-use", "rds", "DeleteDBParameterGroup")
def refuse_delete(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input["DBParameterGroupName"]
    if name not in rds(call).db_parameter_groups:
        raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    used = any(instance.db_parameter_group_name == name for instance in rds(call).databases.values())
    for gone in in_state(call.account, call.region, "rds.instance", "deleting"):
        used = used or name in [group["DBParameterGroupName"] for group in gone.get("DBParameterGroups", [])]
    if used:
        raise wrong(
            "InvalidDBParameterGroupState",
            f"One or more database instances are still members of this parameter group {name}, so the group cannot be deleted",
        )
    return proceed()
