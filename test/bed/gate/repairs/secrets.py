"""Secrets Manager: which version is current, and names that wait for their deletion."""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from ..errors import AwsError
from ..registry import repairs


def secret_of(call: Any, id: str) -> Any:
    secrets = secretsmanager_backends[call.account.id][call.region].secrets
    return secrets[id] if id in secrets else None


def settle(secret: Any) -> None:
    """moto keeps its own idea of the current version, which moving a label does not change."""
    for version in secret.versions.values():
        version["version_stages"] = list(dict.fromkeys(version["version_stages"]))
        if "AWSCURRENT" in version["version_stages"]:
            secret.set_default_version_id(version["version_id"])


@repairs("secret-current-version", "secretsmanager", "GetSecretValue")
def get(call: Any, proceed: Any) -> dict[str, Any]:
    input = call.input
    if not input.get("VersionId") and not input.get("VersionStage"):
        input = {**input, "VersionStage": "AWSCURRENT"}
    return proceed(input)


@repairs("secret-one-current-version", "secretsmanager", "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage")
def settle_around(call: Any, proceed: Any) -> dict[str, Any]:
    secret = secret_of(call, call.input["SecretId"])
    if secret is not None:
        settle(secret)
    output = proceed()
    if secret is not None:
        settle(secret)
    return output


@repairs("secret-token-reuse", "secretsmanager", "PutSecretValue")
def refuse_other_value(call: Any, proceed: Any) -> dict[str, Any]:
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    secret = secret_of(call, call.input["SecretId"])
    token = call.input.get("ClientRequestToken")
    version = secret.versions.get(token) if secret is not None else None
    if version is not None and version.get("secret_string") not in (None, call.input.get("SecretString")):
        raise AwsError(
            "ResourceExistsException",
            f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {secret.arn}.",
            400,
        )
    return proceed()


@repairs("secret-managed-by-a-service", "secretsmanager", "PutSecretValue", "UpdateSecret", "DeleteSecret")
def refuse_managed(call: Any, proceed: Any) -> dict[str, Any]:
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/service-linked-secrets.html
    secret = secret_of(call, call.input["SecretId"])
    if secret is not None and secret.owning_service:
        raise AwsError(
            "InvalidRequestException",
            f"You can't perform this operation on the secret because it is managed by {secret.owning_service}.",
            400,
        )
    return proceed()


@repairs("secret-name-pending-deletion", "secretsmanager", "CreateSecret")
def refuse_deleted_name(call: Any, proceed: Any) -> dict[str, Any]:
    secret = secret_of(call, call.input["Name"])
    if secret is not None and secret.is_deleted():
        raise AwsError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
            400,
        )
    return proceed()


@repairs("secret-unlabelled-versions", "secretsmanager", "DescribeSecret")
def hide_unlabelled(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    stages = output.get("VersionIdsToStages")
    if stages:
        output["VersionIdsToStages"] = {version: labels for version, labels in stages.items() if labels}
    return output


@repairs("secret-rotation-refusals", "secretsmanager", "RotateSecret")
def refuse_rotation(call: Any, proceed: Any) -> dict[str, Any]:
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    secret = secret_of(call, call.input["SecretId"])
    if secret is None:
        return proceed()
    if not call.input.get("RotationLambdaARN") and not secret.rotation_lambda_arn:
        raise AwsError("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.", 400)
    for version in secret.versions.values():
        if "AWSPENDING" in version["version_stages"] and "AWSCURRENT" not in version["version_stages"]:
            raise AwsError("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.", 400)
    raise AwsError("NotImplemented", "the test bed rotates nothing: register a hook for secretsmanager:RotateSecret", 501)
