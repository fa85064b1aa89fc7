"""Secrets Manager: secrets, what joins them to a database, and their policies."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..shapes import shaped
from ..template import Values, invalid
from .declare import ResourceType, Work, as_list, changed_tags, declare


def generated(work: Work, properties: Values) -> Values:
    """The secret's value. One without either property is empty: it has no version."""
    if "SecretString" in properties:
        return {"SecretString": properties["SecretString"]}
    if "GenerateSecretString" not in properties:
        return {}
    wanted = dict(properties["GenerateSecretString"] or {})
    template, key = wanted.pop("SecretStringTemplate", None), wanted.pop("GenerateStringKey", None)
    password = work.ask("secretsmanager", "GetRandomPassword", **shaped("secretsmanager", "GetRandomPassword", wanted))["RandomPassword"]
    if template is None:
        return {"SecretString": password}
    return {"SecretString": json.dumps({**json.loads(template), str(key): password}, separators=(",", ":"))}


@declare("AWS::SecretsManager::Secret")
class Secret(ResourceType):
    mutable = frozenset({"Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"})

    def create(self, work: Work, properties: Values) -> str:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
        name = str(properties.get("Name") or f"{work.resource.logical}-{work.name()[-12:]}")
        kept = {key: value for key, value in properties.items() if key in ("Description", "KmsKeyId", "Tags")}
        made = work.ask("secretsmanager", "CreateSecret", Name=name, **shaped("secretsmanager", "CreateSecret", kept), **generated(work, properties))
        return str(made["ARN"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        input = {key: properties[key] for key in ("Description", "KmsKeyId") if key in properties}
        if changed & {"SecretString", "GenerateSecretString"}:
            input |= generated(work, properties)
        if input:
            work.ask("secretsmanager", "UpdateSecret", SecretId=work.id, ClientRequestToken=str(uuid.uuid4()), **input)
        added, removed = changed_tags(old, properties)
        if removed:
            work.ask("secretsmanager", "UntagResource", SecretId=work.id, TagKeys=removed)
        if added:
            work.ask("secretsmanager", "TagResource", SecretId=work.id, Tags=as_list(added))

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("secretsmanager", "DeleteSecret", SecretId=work.id, ForceDeleteWithoutRecovery=True)


READS = {
    "AWS::RDS::DBInstance": ("DescribeDBInstances", "DBInstanceIdentifier", "DBInstances"),
    "AWS::RDS::DBCluster": ("DescribeDBClusters", "DBClusterIdentifier", "DBClusters"),
}


def place_of(work: Work, kind: str, id: str) -> Values:
    if kind not in READS:
        raise invalid(f"the test bed attaches secrets to {', '.join(READS)} only, not to {kind}")
    action, by, key = READS[kind]
    found = work.ask("rds", action, **{by: id})[key][0]
    endpoint: Any = found["Endpoint"]
    cluster = isinstance(endpoint, str)
    engine = "postgres" if "postgres" in found["Engine"] else found["Engine"]
    place = {
        "engine": engine, "host": endpoint if cluster else endpoint["Address"], "port": found["Port"] if cluster else endpoint["Port"],
        "dbClusterIdentifier" if cluster else "dbInstanceIdentifier": id,
    }
    name = found.get("DatabaseName" if cluster else "DBName")
    return {**place, **({"dbname": name} if name else {})}


@declare("AWS::SecretsManager::SecretTargetAttachment")
class SecretTargetAttachment(ResourceType):
    """Adds engine, host, port, dbname and identifier to the secret's JSON."""

    mutable = frozenset({"TargetId", "TargetType"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        id = str(properties["SecretId"])
        text = work.ask("secretsmanager", "GetSecretValue", SecretId=id)["SecretString"]
        value = {**json.loads(text), **place_of(work, properties["TargetType"], properties["TargetId"])}
        work.ask("secretsmanager", "PutSecretValue", SecretId=id, SecretString=json.dumps(value, separators=(",", ":")))
        return id

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.create(work, properties)

    def delete(self, work: Work, properties: Values) -> None:
        found = work.find("secretsmanager", "GetSecretValue", SecretId=work.id)
        if found is None:
            return
        value = json.loads(found["SecretString"])
        left = {key: item for key, item in value.items() if key not in ("engine", "host", "port", "dbname", "dbClusterIdentifier", "dbInstanceIdentifier")}
        work.ask("secretsmanager", "PutSecretValue", SecretId=work.id, SecretString=json.dumps(left, separators=(",", ":")))


@declare("AWS::SecretsManager::ResourcePolicy")
class ResourcePolicy(ResourceType):
    mutable = frozenset({"ResourcePolicy", "BlockPublicPolicy"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        policy = properties["ResourcePolicy"]
        text = policy if isinstance(policy, str) else json.dumps(policy)
        work.ask("secretsmanager", "PutResourcePolicy", SecretId=properties["SecretId"], ResourcePolicy=text)
        return str(properties["SecretId"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.create(work, properties)

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("secretsmanager", "DeleteResourcePolicy", SecretId=work.id)
