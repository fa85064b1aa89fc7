"""Rotation by a function: RotateSecret has Secrets Manager invoke it, step by step, and again when a step fails.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

from ..account import Account, accounts
from ..errors import AwsError, Dropped
from ..registry import repairs

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
# AWS says "several times" and names no number and no pause.
TRIES = 3
PAUSE_SECONDS = 0.2
SERVICE = "secretsmanager.amazonaws.com"


def rotations_of(account: Account, region: str, arn: str) -> list[dict[str, Any]]:
    return account.remembered(region, "rotations").setdefault(arn, [])


def find_rotations(account: Account, body: Any, _moto: Any) -> Any:
    """`{region, secret}` -> its rotations: `{token, state: running | succeeded | failed | cancelled, steps: [{step, error?}]}`."""
    from .secrets import secret_by

    secret = secret_by(account, body["region"], body["secret"])
    return [] if secret is None else rotations_of(account, body["region"], secret.arn)


@repairs("secret-rotation", "secretsmanager", "RotateSecret")
def rotate(call: Any, _proceed: Any) -> dict[str, Any]:
    from .secrets import secret_of

    input = call.input
    secret = secret_of(call, input["SecretId"])
    if secret is None:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    function = input.get("RotationLambdaARN") or secret.rotation_lambda_arn
    require_permission(call, function)
    rules = input.get("RotationRules") or {}
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    secret.auto_rotate_after_days = rules.get("AutomaticallyAfterDays") or secret.auto_rotate_after_days
    secret.next_rotation_date = int(time.time()) + 86400 * (secret.auto_rotate_after_days or 1)
    token = input.get("ClientRequestToken") or str(uuid.uuid4())
    # A version without a value: it shows in DescribeSecret, and GetSecretValue does not find it.
    secret.versions[token] = {"createdate": int(time.time()), "version_id": token, "version_stages": ["AWSPENDING"]}
    at_once = input.get("RotateImmediately", True)
    rotation = {"token": token, "state": "running", "steps": []}
    rotations_of(call.account, call.region, secret.arn).append(rotation)
    run = Rotation(call, secret, rotation, STEPS if at_once else ["testSecret"], discards=not at_once)
    threading.Thread(target=run.all, daemon=True).start()
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": token}


@repairs("secret-rotation-rules", "secretsmanager", "RotateSecret", "DescribeSecret")
def keep_rules(call: Any, proceed: Any) -> dict[str, Any]:
    """As they were given: moto knows whole days alone."""
    from .secrets import secret_of

    output = proceed()
    secret = secret_of(call, call.input["SecretId"])
    if secret is None:
        return output
    kept = call.account.remembered(call.region, "rotation-rules")
    if call.action == "RotateSecret" and call.input.get("RotationRules"):
        kept[secret.arn] = call.input["RotationRules"]
    if call.action == "DescribeSecret" and secret.rotation_requested:
        rules = kept.get(secret.arn) or output.get("RotationRules") or {}
        output["RotationRules"] = {name: value for name, value in rules.items() if value}
    return output


def require_permission(call: Any, function: str) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html"""
    try:
        policy = json.loads(call.mended("lambda", "GetPolicy", FunctionName=function)["Policy"])
    except AwsError:
        policy = {}
    for statement in policy.get("Statement", []):
        if SERVICE in str(statement.get("Principal")) and statement.get("Action") in ("lambda:InvokeFunction", "lambda:*"):
            return
    raise AwsError(
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to "
        f"the principal {SERVICE}.",
        400,
    )


class Rotation:
    def __init__(self, call: Any, secret: Any, rotation: dict[str, Any], steps: list[str], discards: bool) -> None:
        self.call = call
        self.account: Account = call.account
        self.secret = secret
        self.rotation = rotation
        self.steps = steps
        self.discards = discards

    def all(self) -> None:
        """In a thread of its own: RotateSecret has answered."""
        state = "failed"
        for left in reversed(range(TRIES)):
            state = self.attempt()
            if state != "failed" or left == 0:
                break
            time.sleep(PAUSE_SECONDS)
        with self.account.lock:
            if self.discards:
                self.secret.versions.pop(self.rotation["token"], None)
            elif state == "succeeded":
                self.secret.last_rotation_date = int(time.time())
            self.rotation["state"] = state

    def attempt(self) -> str:
        for step in self.steps:
            if accounts.by_id.get(self.account.id) is not self.account or not self.secret.rotation_enabled:
                return "cancelled"
            error = self.invoke(step)
            self.rotation["steps"].append({"step": step, **({} if error is None else {"error": error})})
            if error is not None:
                return "failed"
        return "succeeded" if self.discards or self.is_settled() else "failed"

    def is_settled(self) -> bool:
        """AWSPENDING is on the current version, or on none."""
        with self.account.lock:
            holders = [version["version_stages"] for version in self.secret.versions.values() if "AWSPENDING" in version["version_stages"]]
        return all("AWSCURRENT" in stages for stages in holders)

    def invoke(self, step: str) -> str | None:
        """What went wrong, in words; None when the step was done."""
        from ..app import effect
        from ..registry import guards_of
        from ..wire import parse_answer

        event = {"Step": step, "SecretId": self.secret.arn, "ClientRequestToken": self.rotation["token"], "RotationToken": str(uuid.uuid4())}
        input = {"FunctionName": self.secret.rotation_lambda_arn, "InvocationType": "RequestResponse", "Payload": json.dumps(event).encode()}
        call = self.call.to("lambda", "Invoke", input)
        try:
            for guard in guards_of.get(("lambda", "Invoke"), []):
                guard(call)
            output = parse_answer(call.operation, effect(call, {}))
        except (AwsError, Dropped, OSError) as error:
            return str(error)
        if output.get("FunctionError"):
            return f"{output['FunctionError']}: {payload_of(output)}"
        return None


def payload_of(output: dict[str, Any]) -> str:
    payload = output.get("Payload", b"")
    data = payload.read() if hasattr(payload, "read") else payload
    return data.decode(errors="replace") if isinstance(data, bytes) else str(data)
