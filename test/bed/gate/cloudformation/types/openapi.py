"""The `Body` of an HTTP API: an OpenAPI definition with API Gateway's extensions, as SAM writes it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

from typing import Any

from ..shapes import shaped
from ..template import Values
from .declare import Work

EXTENSION = "x-amazon-apigateway-"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", f"{EXTENSION}any-method"}


def settings(body: Values) -> Values:
    """What the definition says of the API itself."""
    info = body.get("info", {})
    tags = {one["name"]: one[f"{EXTENSION}tag-value"] for one in body.get("tags", []) if f"{EXTENSION}tag-value" in one}
    cors = body.get(f"{EXTENSION}cors")
    return {"Name": info.get("title", "api"), "ProtocolType": "HTTP", **({"Tags": tags} if tags else {}), **({"CorsConfiguration": cors} if cors else {})}


def fill(work: Work, api: str, body: Values) -> None:
    """Authorizers, integrations and routes of the definition, for an API that has none."""
    authorizers = {
        name: ask(work, "CreateAuthorizer", {"ApiId": api, "Name": name, **authorizer(one, one[f"{EXTENSION}authorizer"])})["AuthorizerId"]
        for name, one in body.get("components", {}).get("securitySchemes", {}).items()
        if f"{EXTENSION}authorizer" in one
    }
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if method in METHODS:
                route(work, api, path, method, operation, authorizers)


def route(work: Work, api: str, path: str, method: str, operation: Values, authorizers: Values) -> None:
    # SAM writes it without the slash.
    key = "$default" if path.strip("/") == "$default" else f"{'ANY' if method.startswith(EXTENSION) else method.upper()} {path}"
    input: Values = {"ApiId": api, "RouteKey": key}
    integration = operation.get(f"{EXTENSION}integration")
    if integration is not None:
        made = ask(work, "CreateIntegration", {"ApiId": api, **integration_of(integration)})
        input["Target"] = f"integrations/{made['IntegrationId']}"
    for security in operation.get("security", []):
        for name, scopes in security.items():
            if name in authorizers:
                input |= {"AuthorizationType": "JWT", "AuthorizerId": authorizers[name], **({"AuthorizationScopes": scopes} if scopes else {})}
    ask(work, "CreateRoute", input)


def integration_of(given: Values) -> Values:
    names = {"type": "IntegrationType", "uri": "IntegrationUri", "httpMethod": "IntegrationMethod", "payloadFormatVersion": "PayloadFormatVersion", "timeoutInMillis": "TimeoutInMillis"}
    return {names[key]: value.upper() if key == "type" else value for key, value in given.items() if key in names}


def authorizer(scheme: Values, given: Values) -> Values:
    source = given.get("identitySource", f"$request.header.{scheme.get('name', 'Authorization')}")
    jwt = given.get("jwtConfiguration", {})
    config = {"Issuer": jwt.get("issuer"), "Audience": jwt.get("audience", [])}
    return {"AuthorizerType": given["type"].upper(), "IdentitySource": [source], "JwtConfiguration": config}


def empty(work: Work, api: str) -> None:
    for word, key in (("Route", "RouteId"), ("Integration", "IntegrationId"), ("Authorizer", "AuthorizerId")):
        for one in work.ask("apigatewayv2", f"Get{word}s", ApiId=api)["Items"]:
            work.drop("apigatewayv2", f"Delete{word}", **{"ApiId": api, key: one[key]})


def ask(work: Work, action: str, input: Values) -> Any:
    return work.ask("apigatewayv2", action, **shaped("apigatewayv2", action, input))
