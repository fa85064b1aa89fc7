"""What deployments themselves need: buckets, repositories, parameters, log groups; and CDK's metadata."""

from __future__ import annotations

import json

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, as_list, as_map, changed_tags, declare


@declare("AWS::S3::Bucket")
class Bucket(ResourceType):
    """Encryption, versions, life cycles and access blocks are taken as set: nothing here depends on them."""

    mutable = frozenset({"*"})

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("BucketName") or work.name(63, lower=True))
        elsewhere = {} if work.calls.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": work.calls.region}}
        work.ask("s3", "CreateBucket", Bucket=name, **elsewhere)
        self.versions(work, name, properties)
        return name

    def versions(self, work: Work, name: str, properties: Values) -> None:
        if "VersioningConfiguration" in properties:
            work.ask("s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"])

    def replaced_by(self, changed: set[str]) -> bool:
        return "BucketName" in changed

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.versions(work, work.id, properties)

    def attributes(self, work: Work, properties: Values) -> Values:
        return {
            "Arn": f"arn:aws:s3:::{work.id}",
            "DomainName": f"{work.id}.s3.amazonaws.com",
            "RegionalDomainName": f"{work.id}.s3.{work.calls.region}.amazonaws.com",
        }

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("s3", "DeleteBucket", Bucket=work.id)


@declare("AWS::S3::BucketPolicy")
class BucketPolicy(ResourceType):
    mutable = frozenset({"PolicyDocument"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        self.update(work, properties, {}, set())
        return str(properties["Bucket"])

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        # moto knows no conditions: it would take a denial of plain HTTP for one of everything.
        document = dict(properties["PolicyDocument"])
        kept = [one for one in document["Statement"] if "aws:SecureTransport" not in json.dumps(one.get("Condition", {}))]
        if kept:
            work.ask("s3", "PutBucketPolicy", Bucket=properties["Bucket"], Policy=json.dumps({**document, "Statement": kept}))

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("s3", "DeleteBucketPolicy", Bucket=work.id)


@declare("AWS::ECR::Repository")
class Repository(ResourceType):
    mutable = frozenset({"LifecyclePolicy", "RepositoryPolicyText", "ImageScanningConfiguration", "Tags"})

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("RepositoryName") or work.name(lower=True))
        kept = {key: value for key, value in properties.items() if key in ("ImageTagMutability", "ImageScanningConfiguration", "Tags")}
        work.ask("ecr", "CreateRepository", repositoryName=name, **shaped("ecr", "CreateRepository", kept))
        self.policies(work, name, properties)
        return name

    def policies(self, work: Work, name: str, properties: Values) -> None:
        if "RepositoryPolicyText" in properties:
            work.ask("ecr", "SetRepositoryPolicy", repositoryName=name, policyText=json.dumps(properties["RepositoryPolicyText"]))
        text = properties.get("LifecyclePolicy", {}).get("LifecyclePolicyText")
        if text:
            work.ask("ecr", "PutLifecyclePolicy", repositoryName=name, lifecyclePolicyText=text)

    def attributes(self, work: Work, properties: Values) -> Values:
        found = work.ask("ecr", "DescribeRepositories", repositoryNames=[work.id])["repositories"][0]
        return {"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.policies(work, work.id, properties)

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ecr", "DeleteRepository", repositoryName=work.id, force=bool(properties.get("EmptyOnDelete")))


@declare("AWS::SSM::Parameter")
class Parameter(ResourceType):
    mutable = frozenset({"Value", "Description", "AllowedPattern", "Type", "Tags", "Tier"})

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("Name") or f"CFN-{work.name()}")
        work.ask("ssm", "PutParameter", **shaped("ssm", "PutParameter", {**properties, "Name": name}))
        return name

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Type": properties.get("Type"), "Value": properties.get("Value")}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        input = {key: value for key, value in properties.items() if key not in ("Tags", "Name")}
        work.ask("ssm", "PutParameter", **shaped("ssm", "PutParameter", {**input, "Name": work.id, "Overwrite": True}))
        added, removed = changed_tags(old, properties)
        if removed:
            work.ask("ssm", "RemoveTagsFromResource", ResourceType="Parameter", ResourceId=work.id, TagKeys=removed)
        if added:
            work.ask("ssm", "AddTagsToResource", ResourceType="Parameter", ResourceId=work.id, Tags=as_list(added))

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ssm", "DeleteParameter", Name=work.id)


@declare("AWS::Logs::LogGroup")
class LogGroup(ResourceType):
    mutable = frozenset({"RetentionInDays", "Tags"})

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("LogGroupName") or work.name(512))
        tags = as_map(properties.get("Tags"))
        work.ask("logs", "CreateLogGroup", logGroupName=name, **({"tags": tags} if tags else {}))
        self.retain(work, name, properties)
        return name

    def retain(self, work: Work, name: str, properties: Values) -> None:
        if "RetentionInDays" in properties:
            work.ask("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Arn": work.arn("logs", f"log-group:{work.id}:*")}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.retain(work, work.id, properties)
        if "RetentionInDays" in old and "RetentionInDays" not in properties:
            work.ask("logs", "DeleteRetentionPolicy", logGroupName=work.id)
        added, removed = changed_tags(old, properties)
        arn = work.arn("logs", f"log-group:{work.id}")
        if removed:
            work.ask("logs", "UntagResource", resourceArn=arn, tagKeys=removed)
        if added:
            work.ask("logs", "TagResource", resourceArn=arn, tags=added)

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("logs", "DeleteLogGroup", logGroupName=work.id)


@declare("AWS::CDK::Metadata")
class Metadata(ResourceType):
    mutable = frozenset({"*"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        return work.name()

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None: ...

    def delete(self, work: Work, properties: Values) -> None: ...
