"""Secrets Manager: which version is current, what is refused, and names that wait for their deletion."""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from ..errors import AwsError
from ..registry import repairs


# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
MOST_VERSIONS = 100


def secret_by(account: Any, region: str, id: str) -> Any:
    secrets = secretsmanager_backends[account.id][region].secrets
    return secrets[id] if id in secrets else None


def secret_of(call: Any, id: str) -> Any:
    return secret_by(call.account, call.region, id)


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


@repairs("secret-version-quota", "secretsmanager", "PutSecretValue")
def refuse_more(call: Any, proceed: Any) -> dict[str, Any]:
    """Versions without a label go after a day, which no test waits for."""
    secret = secret_of(call, call.input["SecretId"])
    if secret is not None and len(secret.versions) >= MOST_VERSIONS and call.input.get("ClientRequestToken") not in secret.versions:
        raise AwsError("LimitExceededException", f"You have reached the maximum number of versions for secret {secret.arn}.", 400)
    return proceed()


@repairs("secret-label-holder", "secretsmanager", "UpdateSecretVersionStage")
def name_the_holder(call: Any, proceed: Any) -> dict[str, Any]:
    """Any label that is on another version has to be named there; moto asks it of AWSCURRENT alone, and takes a label away before it refuses."""
    secret, input = secret_of(call, call.input["SecretId"]), call.input
    if secret is None:
        return proceed()
    label, to, given = input["VersionStage"], input.get("MoveToVersionId"), input.get("RemoveFromVersionId")
    holder = next((id for id, version in secret.versions.items() if label in version["version_stages"]), None)
    if to is not None and to not in secret.versions:
        raise AwsError("ResourceNotFoundException", f"Secrets Manager can't find the specified secret version: {to}", 400)
    if to is not None and holder not in (None, to) and given != holder:
        raise AwsError(
            "InvalidParameterException",
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version {holder}, "
            "so you must explicitly reference that version in RemoveFromVersionId.",
            400,
        )
    return proceed()


@repairs("secret-changes-while-deleted", "secretsmanager", "PutSecretValue", "UpdateSecretVersionStage")
def refuse_while_deleted(call: Any, proceed: Any) -> dict[str, Any]:
    secret = secret_of(call, call.input["SecretId"])
    if secret is not None and secret.is_deleted():
        raise AwsError(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
            400,
        )
    return proceed()


@repairs("secret-managed-by-a-service", "secretsmanager", "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "CancelRotateSecret", "DeleteSecret")
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


@repairs("secret-unlabelled-versions", "secretsmanager", "GetSecretValue")
def without_labels(call: Any, proceed: Any) -> dict[str, Any]:
    return {key: value for key, value in proceed().items() if key != "VersionStages" or value}


@repairs("secret-list-of-versions", "secretsmanager", "ListSecretVersionIds")
def list_versions(call: Any, proceed: Any) -> dict[str, Any]:
    """Those without a label when they are asked for, each with its own date; those of one second have their order, the latest first."""
    secret = secret_of(call, call.input["SecretId"])
    output = proceed()
    shown = [
        {
            **{key: value for key, value in version.items() if value},
            "CreatedDate": secret.versions[version["VersionId"]]["createdate"],
        }
        for version in output["Versions"]
        if version["VersionStages"] or call.input.get("IncludeDeprecated")
    ]
    return {**{key: value for key, value in output.items() if key != "NextToken"}, "ARN": secret.arn, "Versions": shown[::-1]}


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
    return proceed()


@repairs("lag-secretsmanager.version", "secretsmanager", "PutSecretValue", "UpdateSecretVersionStage")
def remember_labels(call: Any, proceed: Any) -> dict[str, Any]:
    secret = secret_of(call, call.input["SecretId"])
    before = labels_of(secret) if secret is not None else {}
    output = proceed()
    reads = call.account.lag_of("secretsmanager.version")
    if secret is not None and reads > 0:
        call.account.remembered(call.region, "secret-past").setdefault(secret.arn, {"reads": reads, "labels": before})["reads"] = reads
    return output


def labels_of(secret: Any) -> dict[str, list[str]]:
    return {id: list(version["version_stages"]) for id, version in secret.versions.items()}


@repairs("lag-secretsmanager.version", "secretsmanager", "DescribeSecret", "GetSecretValue")
def show_the_past(call: Any, proceed: Any) -> dict[str, Any]:
    secret = secret_of(call, call.input["SecretId"])
    past = call.account.remembered(call.region, "secret-past")
    seen = past.get(secret.arn) if secret is not None else None
    if secret is None or seen is None:
        return proceed()
    seen["reads"] -= 1
    if seen["reads"] <= 0:
        del past[secret.arn]
    labels: dict[str, list[str]] = seen["labels"]
    if call.action == "DescribeSecret":
        return {**proceed(), "VersionIdsToStages": {id: stages for id, stages in labels.items() if stages}}
    id, stage = call.input.get("VersionId"), call.input.get("VersionStage") or "AWSCURRENT"
    if id is None:
        id = next((one for one, stages in labels.items() if stage in stages), None)
    if id not in labels:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.", 400)
    return proceed({"SecretId": call.input["SecretId"], "VersionId": id})
