"""Prints what CloudFormation's transform makes of a SAM template, by AWS's own translator: translate-sam.py template.yaml"""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """The transform looks names of AWS's own policies up in IAM; the templates name none."""

    def load(self) -> dict[str, str]:
        return {}


def upload(resource: dict) -> None:
    """What `aws cloudformation package` does: local files become objects of a bucket."""
    properties = resource.get("Properties", {})
    for key in ("CodeUri", "ContentUri"):
        if isinstance(properties.get(key), str):
            properties[key] = "s3://uploads/" + os.path.basename(properties[key])
    if isinstance(properties.get("Code"), str):
        properties["Code"] = {"S3Bucket": "uploads", "S3Key": os.path.basename(properties["Code"])}


with open(sys.argv[1]) as file:
    template = yaml_parse(file.read())
for one in template["Resources"].values():
    upload(one)
json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout)
