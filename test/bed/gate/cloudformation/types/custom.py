"""Custom resources: a function is invoked, and answers by a PUT to the ResponseURL it was given.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from typing import Any
from urllib.parse import quote

from ...account import Account
from ...errors import AwsError
from ..intrinsics import spelled
from ..template import Values
from .declare import ResourceType, Work, declare
from .functions import place_of

# Where nobody answered: the words of the real one's end of patience, an hour later.
SILENCE = "CloudFormation did not receive a response from your custom resource. Please check your logs for requestId [{id}]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version."
LATE_ASKS = 100


def answers_of(account: Account) -> dict[str, Values | None]:
    """By the token in their ResponseURL; None until the answer is there."""
    return account.remembered("", "custom-resource-answers")


def text_of(value: Any) -> Any:
    """As CloudFormation sends properties: every scalar is text."""
    if isinstance(value, dict):
        return {key: text_of(item) for key, item in value.items()}
    return [text_of(item) for item in value] if isinstance(value, list) else spelled(value)


@declare("AWS::CloudFormation::CustomResource")
class CustomResource(ResourceType):
    mutable = frozenset({"*"})
    tags = False

    def replaced_by(self, changed: set[str]) -> bool:
        return "ServiceToken" in changed

    def create(self, work: Work, properties: Values) -> str:
        return self.send(work, "Create", properties)

    def attributes(self, work: Work, properties: Values) -> Values:
        return dict(work.resource.metadata or {})

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        before = work.id
        after = self.send(work, "Update", properties, PhysicalResourceId=before, OldResourceProperties=text_of(old))
        if after != before:
            # Another id is another resource: the one before is deleted. The real one does so at the end of the update.
            self.send(work, "Delete", old, PhysicalResourceId=before)
            work.resource.physical = after

    def delete(self, work: Work, properties: Values) -> None:
        self.send(work, "Delete", properties, PhysicalResourceId=work.id)

    def send(self, work: Work, kind: str, properties: Values, **more: Any) -> str:
        request, token = str(uuid.uuid4()), secrets.token_hex(16)
        region = work.calls.region
        path = quote(f"{work.stack.id}|{work.resource.logical}|{request}", safe="")
        event = {
            "RequestType": kind, "ServiceToken": properties["ServiceToken"], "StackId": work.stack.id, "RequestId": request,
            "ResponseURL": f"https://{response_host(region)}/{path}?token={token}", "LogicalResourceId": work.resource.logical,
            "ResourceType": work.resource.kind, "ResourceProperties": text_of(properties), **more,
        }
        answers = answers_of(work.calls.account)
        answers[token] = None
        if kind == "Create":
            # One that failed is deleted as well, under a made-up id where it has none of its own.
            work.made(f"{work.stack.name}-{work.resource.logical}-{work.name()[-12:]}")
        try:
            answer = self.invoke(work, properties["ServiceToken"], event, token)
        finally:
            answers.pop(token, None)
        if kind == "Create" and answer.get("PhysicalResourceId"):
            work.made(answer["PhysicalResourceId"])
        if answer.get("Status") != "SUCCESS":
            raise AwsError("CustomResourceFailed", f"Received response status [{answer.get('Status')}] from custom resource. Message returned: {answer.get('Reason')} (RequestId: {request})", 400)
        if kind != "Delete":
            work.resource.metadata = answer.get("Data") or {}
        return str(answer.get("PhysicalResourceId") or work.id)

    def invoke(self, work: Work, function: str, event: Values, token: str) -> Values:
        """The real one invokes as an event and waits an hour for an answer; this one waits for the function's end."""
        answers = answers_of(work.calls.account)
        payload = json.dumps(event).encode()
        result = work.ask("lambda", "Invoke", **place_of(function), InvocationType="RequestResponse", LogType="Tail", Payload=payload)
        try:
            work.calls.until(lambda: answers[token] is not None, "the answer", LATE_ASKS)
        except AwsError:
            log = base64.b64decode(result.get("LogResult", "")).decode(errors="replace")
            raise AwsError("NoResponse", f"{SILENCE.format(id=event['RequestId'])} The function's log, which only the bed shows here:\n{log}", 400) from None
        return answers[token] or {}


def response_host(region: str) -> str:
    return f"cloudformation-custom-resource-response-{region.replace('-', '')}.s3.{region}.amazonaws.com"


def take_answer(account: Account, body: Any) -> bool:
    """`{token, body}` of a PUT to a ResponseURL; whether somebody waits for it."""
    answers = answers_of(account)
    if body["token"] not in answers:
        return False
    answers[body["token"]] = json.loads(body["body"])
    return True
