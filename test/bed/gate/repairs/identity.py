"""Who calls, and what they may: STS and IAM's simulator, which moto lacks.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from typing import Any

from ..errors import USER_NAME, AwsError
from ..policy import decide
from ..registry import invents, repairs

EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@repairs("sts-caller-is-a-user", "sts", "GetCallerIdentity")
def identify(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    if output.get("Arn", "").endswith("user/moto"):
        return {"UserId": "AIDALAMBDAPGTESTUSER", "Account": call.account.id, "Arn": f"arn:aws:iam::{call.account.id}:user/{USER_NAME}"}
    return output


@invents("iam-simulation", "iam", "SimulateCustomPolicy")
def simulate_custom(call: Any) -> dict[str, Any]:
    return results(call, call.input["PolicyInputList"])


@invents("iam-simulation", "iam", "SimulatePrincipalPolicy")
def simulate_principal(call: Any) -> dict[str, Any]:
    arn = call.input["PolicySourceArn"]
    if arn.endswith(f":user/{USER_NAME}"):
        documents = list(call.account.policies) if call.account.policies is not None else [EVERYTHING]
    else:
        documents = policies_of(call, arn)
    return results(call, [*documents, *call.input.get("PolicyInputList", [])])


def policies_of(call: Any, arn: str) -> list[Any]:
    kind, _, path = arn.split(":")[-1].partition("/")
    name = path.split("/")[-1]
    noun = {"role": "Role", "user": "User", "group": "Group"}.get(kind)
    if noun is None:
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.", 400)
    call.aws("iam", f"Get{noun}", **{f"{noun}Name": name})
    documents = []
    for policy in call.aws("iam", f"List{noun}Policies", **{f"{noun}Name": name})["PolicyNames"]:
        documents.append(call.aws("iam", f"Get{noun}Policy", **{f"{noun}Name": name, "PolicyName": policy})["PolicyDocument"])
    for attached in call.aws("iam", f"ListAttached{noun}Policies", **{f"{noun}Name": name})["AttachedPolicies"]:
        policy = call.aws("iam", "GetPolicy", PolicyArn=attached["PolicyArn"])["Policy"]
        version = call.aws("iam", "GetPolicyVersion", PolicyArn=attached["PolicyArn"], VersionId=policy["DefaultVersionId"])
        documents.append(version["PolicyVersion"]["Document"])
    return documents


def results(call: Any, documents: list[Any]) -> dict[str, Any]:
    found = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decide(documents, action, resource),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in call.input["ActionNames"]
        for resource in call.input.get("ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": found, "IsTruncated": False}
