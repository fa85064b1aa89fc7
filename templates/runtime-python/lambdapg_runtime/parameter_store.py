"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Mapping

from .aws_call import AwsCall, call_aws

_ADVICE = {
    "AccessDenied": "the function's role needs ssm:GetParameter on it, and kms:Decrypt where it has a key of its own",
    "ParameterNotFound": "there is no such parameter in this region",
    "InvalidKeyId": "the function's role needs kms:Decrypt on the parameter's key",
}


def read_parameter(env: Mapping[str, str], name: str) -> str:
    """The value of a parameter of Systems Manager, by name or ARN. Raises SecretUnreadable."""
    answer = call_aws(
        env,
        AwsCall(
            service="ssm",
            title="Systems Manager",
            target="AmazonSSM.GetParameter",
            region=name.split(":")[3] if name.startswith("arn:") else env["AWS_REGION"],
            input={"Name": name, "WithDecryption": True},
            what=f"the parameter {name}",
            advice=_ADVICE,
        ),
    )
    parameter = answer.get("Parameter")
    text = parameter.get("Value") if isinstance(parameter, dict) else None
    return text if isinstance(text, str) else ""
