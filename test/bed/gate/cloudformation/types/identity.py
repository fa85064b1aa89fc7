"""IAM: roles and policies."""

from __future__ import annotations

import json
from typing import Any

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, as_list, as_map, changed_tags, declare


def document(value: Any) -> str:
    # IAM takes a policy without a version for one of 2008, which moto refuses.
    return value if isinstance(value, str) else json.dumps({"Version": "2012-10-17", **value})


@declare("AWS::IAM::Role")
class Role(ResourceType):
    mutable = frozenset({"AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "PermissionsBoundary", "Policies", "Tags"})

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("RoleName") or work.name())
        rest = {key: value for key, value in properties.items() if key not in ("Policies", "ManagedPolicyArns", "RoleName")}
        work.ask("iam", "CreateRole", RoleName=name, **shaped("iam", "CreateRole", rest))
        work.made(name)
        self.policies(work, name, {}, properties)
        return name

    def policies(self, work: Work, name: str, old: Values, new: Values) -> None:
        before, after = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
        for arn in sorted(after - before):
            work.ask("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
        for arn in sorted(before - after):
            work.drop("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
        inline = {one["PolicyName"] for one in new.get("Policies", [])}
        for one in new.get("Policies", []):
            work.ask("iam", "PutRolePolicy", RoleName=name, PolicyName=one["PolicyName"], PolicyDocument=document(one["PolicyDocument"]))
        for one in old.get("Policies", []):
            if one["PolicyName"] not in inline:
                work.drop("iam", "DeleteRolePolicy", RoleName=name, PolicyName=one["PolicyName"])

    def attributes(self, work: Work, properties: Values) -> Values:
        role = work.ask("iam", "GetRole", RoleName=work.id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.policies(work, work.id, old, properties)
        if "AssumeRolePolicyDocument" in changed:
            work.ask("iam", "UpdateAssumeRolePolicy", RoleName=work.id, PolicyDocument=document(properties["AssumeRolePolicyDocument"]))
        if changed & {"Description", "MaxSessionDuration"}:
            input = {name: properties[name] for name in ("Description", "MaxSessionDuration") if name in properties}
            work.ask("iam", "UpdateRole", RoleName=work.id, **shaped("iam", "UpdateRole", input))
        added, removed = changed_tags(old, properties)
        if removed:
            work.ask("iam", "UntagRole", RoleName=work.id, TagKeys=removed)
        if added:
            work.ask("iam", "TagRole", RoleName=work.id, Tags=as_list(added))

    def delete(self, work: Work, properties: Values) -> None:
        if work.find("iam", "GetRole", RoleName=work.id) is None:
            return
        self.policies(work, work.id, properties, {})
        work.drop("iam", "DeleteRole", RoleName=work.id)


HOLDERS = {"Roles": ("Role", "RoleName"), "Users": ("User", "UserName"), "Groups": ("Group", "GroupName")}


@declare("AWS::IAM::Policy")
class Policy(ResourceType):
    """An inline policy of some roles, users and groups."""

    mutable = frozenset({"PolicyDocument", "Roles", "Users", "Groups"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        self.put(work, properties)
        return f"{work.stack.name[:20]}-{work.resource.logical[:20]}-{work.name()[-12:]}"

    def put(self, work: Work, properties: Values) -> None:
        for key, (kind, name) in HOLDERS.items():
            for holder in properties.get(key, []):
                policy = {"PolicyName": properties["PolicyName"], "PolicyDocument": document(properties["PolicyDocument"])}
                work.ask("iam", f"Put{kind}Policy", **{name: holder}, **policy)

    def take(self, work: Work, properties: Values, left: Values) -> None:
        for key, (kind, name) in HOLDERS.items():
            for holder in set(properties.get(key, [])) - set(left.get(key, [])):
                work.drop("iam", f"Delete{kind}Policy", **{name: holder}, PolicyName=properties["PolicyName"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.put(work, properties)
        self.take(work, old, properties)

    def delete(self, work: Work, properties: Values) -> None:
        self.take(work, properties, {})


@declare("AWS::IAM::ManagedPolicy")
class ManagedPolicy(ResourceType):
    mutable = frozenset({"PolicyDocument", "Roles"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        input = {
            "PolicyName": properties.get("ManagedPolicyName") or work.name(128),
            "PolicyDocument": document(properties["PolicyDocument"]),
            **{name: properties[name] for name in ("Description", "Path") if name in properties},
            **({"Tags": as_list(as_map(properties["Tags"]))} if "Tags" in properties else {}),
        }
        arn = str(work.ask("iam", "CreatePolicy", **input)["Policy"]["Arn"])
        self.attach(work, arn, [], properties.get("Roles", []))
        return arn

    def attach(self, work: Work, arn: str, old: list[str], new: list[str]) -> None:
        for role in set(new) - set(old):
            work.ask("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
        for role in set(old) - set(new):
            work.drop("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"PolicyArn": work.id, "PolicyId": work.id.rsplit("/", 1)[-1]}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.attach(work, work.id, old.get("Roles", []), properties.get("Roles", []))
        if "PolicyDocument" in changed:
            made = work.ask("iam", "CreatePolicyVersion", PolicyArn=work.id, PolicyDocument=document(properties["PolicyDocument"]), SetAsDefault=True)
            for version in work.ask("iam", "ListPolicyVersions", PolicyArn=work.id)["Versions"]:
                if version["VersionId"] != made["PolicyVersion"]["VersionId"]:
                    work.drop("iam", "DeletePolicyVersion", PolicyArn=work.id, VersionId=version["VersionId"])

    def delete(self, work: Work, properties: Values) -> None:
        self.attach(work, work.id, properties.get("Roles", []), [])
        work.drop("iam", "DeletePolicy", PolicyArn=work.id)
