"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

from collections.abc import Mapping

from .aws_call import AwsCall, call_aws

_ADVICE = {
    "AccessDenied": "the function's role needs secretsmanager:GetSecretValue on it, "
    "and kms:Decrypt where it has a key of its own",
    "ResourceNotFound": "there is no such secret, or no version of it is labelled AWSCURRENT",
    "InvalidRequest": "it may be scheduled for deletion",
    "Decryption": "the function's role needs kms:Decrypt on the secret's key",
}


def read_secret(env: Mapping[str, str], arn: str, stage: str) -> str:
    """The version of a secret that is labelled AWSCURRENT, AWSPENDING or AWSPREVIOUS. Raises SecretUnreadable."""
    answer = call_aws(
        env,
        AwsCall(
            service="secretsmanager",
            title="Secrets Manager",
            target="secretsmanager.GetSecretValue",
            region=arn.split(":")[3],
            input={"SecretId": arn, "VersionStage": stage},
            what=f"the secret {arn}",
            advice=_ADVICE,
        ),
    )
    text = answer.get("SecretString")
    return text if isinstance(text, str) else ""
