"""DB subnet groups: two zones, one VPC, one of a name, none deleted in use."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError

from .. import interfaces
from ..errors import AwsError
from ..overlays import in_state
from ..registry import repairs
from .rds_instances import rds, subnet_group_of, wrong


@repairs("rds-subnet-group-refusals", "rds", "CreateDBSubnetGroup", "ModifyDBSubnetGroup")
def refuse(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input["DBSubnetGroupName"].lower()
    exists = name in rds(call).subnet_groups
    if call.action == "CreateDBSubnetGroup" and exists:
        raise wrong("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    if call.action == "ModifyDBSubnetGroup" and not exists:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    subnets = []
    for id in call.input["SubnetIds"]:
        try:
            subnets.append(interfaces.backend(call).get_subnet(id))
        except InvalidSubnetIdError:
            raise wrong("InvalidSubnet", f"The requested subnet is invalid, or multiple subnets were requested that are not all in a common VPC: [{id}]") from None
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise wrong("InvalidSubnet", "The requested subnets are not all in a common VPC.")
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < 2:
        raise wrong(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.",
        )
    return proceed()


@repairs("rds-subnet-group-in-use", "rds", "DeleteDBSubnetGroup")
def refuse_delete(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input["DBSubnetGroupName"]
    users = [instance.db_instance_identifier for instance in rds(call).databases.values() if subnet_group_of(instance) == name]
    users += [cluster.db_cluster_identifier for cluster in rds(call).clusters.values() if cluster.db_subnet_group_name == name]
    for gone in in_state(call.account, call.region, "rds.instance", "deleting"):
        if (gone.get("DBSubnetGroup") or {}).get("DBSubnetGroupName") == name:
            users.append(gone["DBInstanceIdentifier"])
    if users:
        raise wrong(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{name}' because at least one database instance: {users[0]} is still using it.",
        )
    return proceed()
