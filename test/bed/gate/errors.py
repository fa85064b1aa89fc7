"""An AWS error on its way to the wire, and how each service names the errors that all of them have."""

from __future__ import annotations


class AwsError(Exception):
    """Answered with `code`, `message` and `status` in the wire format of the call's protocol."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Dropped(Exception):
    """The connection ends without an answer."""


def throttled(service: str) -> AwsError:
    # EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    # Lambda: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
    if service == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    if service == "lambda":
        return AwsError("TooManyRequestsException", "Rate exceeded", 429)
    if service in QUERY_SERVICES:
        return AwsError("Throttling", "Rate exceeded", 400)
    return AwsError("ThrottlingException", "Rate exceeded", 400)


def access_denied(service: str, action: str, account: str, resource: str = "*") -> AwsError:
    user = f"arn:aws:iam::{account}:user/{USER_NAME}"
    permission = permission_of(service, action)
    because = f"because no identity-based policy allows the {permission} action"
    message = f"User: {user} is not authorized to perform: {permission} on resource: {resource} {because}"
    if service == "ec2":
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        return AwsError("UnauthorizedOperation", f"You are not authorized to perform this operation. {message}", 403)
    if service in QUERY_SERVICES or service == "s3":
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 403 if service in REST_JSON_SERVICES else 400)


def expired(service: str) -> AwsError:
    message = "The security token included in the request is expired"
    if service == "ec2":
        return AwsError("RequestExpired", "Request has expired.", 400)
    if service in QUERY_SERVICES or service == "s3":
        return AwsError("ExpiredToken", message, 403)
    return AwsError("ExpiredTokenException", message, 403 if service in REST_JSON_SERVICES else 400)


def server_error(service: str) -> AwsError:
    if service == "ec2":
        return AwsError("InternalError", "An internal error has occurred", 500)
    if service == "lambda":
        return AwsError("ServiceException", "An error occurred and the request cannot be processed.", 500)
    if service == "secretsmanager":
        return AwsError("InternalServiceError", "An error occurred on the server side.", 500)
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error.", 500)


def malformed(service: str, missing: bool, path: str, message: str) -> AwsError:
    """The service's answer to a request that its model forbids."""
    if service == "ec2":
        if missing:
            return AwsError("MissingParameter", f"The request must contain the parameter {path}", 400)
        return AwsError("InvalidParameterValue", message, 400)
    if service == "rds":
        return AwsError("MissingParameter" if missing else "InvalidParameterValue", message, 400)
    if service in QUERY_SERVICES:
        return AwsError("ValidationError", f"1 validation error detected: {message}", 400)
    return AwsError("ValidationException", f"1 validation error detected: {message}", 400)


USER_NAME = "lambdapg-test"
QUERY_SERVICES = {"rds", "iam", "sts", "cloudformation", "cloudwatch", "sns", "autoscaling"}
REST_JSON_SERVICES = {"lambda", "rds-data", "apigatewayv2"}
IAM_PREFIX = {
    "apigatewayv2": "apigateway",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
}
IAM_ACTION = {("lambda", "Invoke"): "InvokeFunction"}
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
HTTP_METHODS = {"Create": "POST", "Delete": "DELETE", "Get": "GET", "Update": "PATCH"}


def permission_of(service: str, action: str) -> str:
    """The IAM action of a call; API Gateway's are HTTP methods."""
    if service == "apigatewayv2":
        for verb, method in HTTP_METHODS.items():
            if action.startswith(verb):
                return f"apigateway:{method}"
    return f"{IAM_PREFIX.get(service, service)}:{IAM_ACTION.get((service, action), action)}"
