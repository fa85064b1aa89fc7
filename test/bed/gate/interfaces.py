"""Network interfaces that AWS itself makes: of databases, proxies and functions. moto makes none."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends


def backend(call: Any) -> Any:
    return ec2_backends[call.account.id][call.region]


def place(call: Any, owner: str, subnets: list[str], groups: list[str], description: str, kind: str = "interface") -> None:
    """One interface in each subnet. `owner` is how `remove` finds them."""
    ec2 = backend(call)
    for subnet in subnets:
        interface = ec2.create_network_interface(ec2.get_subnet(subnet), None, group_ids=list(groups), description=description)
        interface.requester_managed = True
        interface.status = "in-use"
        interface.interface_type = kind
        interface.requester_id = {"lambda": f"AROA{call.account.id}:function"}.get(kind, "amazon-rds")
        call.account.remembered(call.region, "interfaces")[interface.id] = {"owner": owner, "reads": None}


def remove(call: Any, owner: str) -> None:
    for id in owned(call, owner):
        drop(call, id)


def release(call: Any, owner: str, reads: int) -> None:
    """They go after some reads, as Lambda's do."""
    for id in owned(call, owner):
        if reads <= 0:
            drop(call, id)
        else:
            held(call)[id]["reads"] = reads


def tick(call: Any) -> None:
    """One look at the network: released interfaces come nearer to their end."""
    for id, state in list(held(call).items()):
        if state["reads"] is None:
            continue
        if state["reads"] <= 0:
            drop(call, id)
        else:
            state["reads"] -= 1


def regroup(call: Any, owner: str, groups: list[str]) -> None:
    ec2 = backend(call)
    for id in owned(call, owner):
        ec2.enis[id]._group_set = [ec2.get_security_group_from_id(group) for group in groups]


def owned(call: Any, owner: str) -> list[str]:
    return [id for id, state in held(call).items() if state["owner"] == owner]


def held(call: Any) -> dict[str, Any]:
    return call.account.remembered(call.region, "interfaces")


def drop(call: Any, id: str) -> None:
    held(call).pop(id, None)
    backend(call).enis.pop(id, None)
