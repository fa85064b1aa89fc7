"""API Gateway's HTTP APIs."""

from __future__ import annotations

from ..shapes import shaped
from ..template import Values
from . import openapi
from .declare import ResourceType, Work, as_map, changed_tags, declare


class Part(ResourceType):
    """A part of an API, made, changed and deleted by calls that are named after it."""

    word = ""
    id_key = ""
    tags = False
    fixed = frozenset({"ApiId"})

    def replaced_by(self, changed: set[str]) -> bool:
        return bool(changed & self.fixed)

    def place(self, id: str, properties: Values) -> Values:
        return {"ApiId": properties["ApiId"], self.id_key: id}

    def create(self, work: Work, properties: Values) -> str:
        action = f"Create{self.word}"
        return str(work.ask("apigatewayv2", action, **shaped("apigatewayv2", action, properties))[self.id_key])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {self.id_key: work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        action = f"Update{self.word}"
        left = {key: properties[key] for key in changed - {"Tags"} if key in properties}
        if left:
            work.ask("apigatewayv2", action, **{**shaped("apigatewayv2", action, left), **self.place(work.id, properties)})

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("apigatewayv2", f"Delete{self.word}", **self.place(work.id, properties))


def retag(work: Work, path: str, properties: Values, old: Values) -> None:
    added, removed = changed_tags(old, properties)
    arn = f"arn:aws:apigateway:{work.calls.region}::{path}"
    if removed:
        work.ask("apigatewayv2", "UntagResource", ResourceArn=arn, TagKeys=removed)
    if added:
        work.ask("apigatewayv2", "TagResource", ResourceArn=arn, Tags=added)


@declare("AWS::ApiGatewayV2::Api")
class Api(Part):
    word, id_key, tags, fixed = "Api", "ApiId", True, frozenset({"ProtocolType"})

    def place(self, id: str, properties: Values) -> Values:
        return {"ApiId": id}

    def create(self, work: Work, properties: Values) -> str:
        body = properties.get("Body")
        if body is None:
            return super().create(work, properties)
        id = work.made(super().create(work, as_called(properties, body)))
        openapi.fill(work, id, body)
        return id

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"ApiId": work.id, "ApiEndpoint": work.ask("apigatewayv2", "GetApi", ApiId=work.id)["ApiEndpoint"]}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        body = properties.get("Body")
        if "Body" in changed and body is not None:
            openapi.empty(work, work.id)
            openapi.fill(work, work.id, body)
        called = as_called(properties, body) if body is not None else properties
        super().update(work, called, old, changed - {"Body", "FailOnWarnings", "ProtocolType"})
        retag(work, f"/apis/{work.id}", properties, old)


def as_called(properties: Values, body: Values) -> Values:
    """The definition's own settings, and over them the template's."""
    own = openapi.settings(body)
    rest = {key: value for key, value in properties.items() if key not in ("Body", "FailOnWarnings")}
    return {**own, **rest, **({"Tags": {**own["Tags"], **as_map(rest.get("Tags"))}} if "Tags" in own else {})}


@declare("AWS::ApiGatewayV2::Integration")
class Integration(Part):
    word, id_key, fixed = "Integration", "IntegrationId", frozenset({"ApiId", "IntegrationType"})


@declare("AWS::ApiGatewayV2::Route")
class Route(Part):
    word, id_key = "Route", "RouteId"


@declare("AWS::ApiGatewayV2::Authorizer")
class Authorizer(Part):
    word, id_key = "Authorizer", "AuthorizerId"


@declare("AWS::ApiGatewayV2::Stage")
class Stage(Part):
    word, id_key, tags, fixed = "Stage", "StageName", True, frozenset({"ApiId", "StageName"})

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        super().update(work, properties, old, changed)
        retag(work, f"/apis/{properties['ApiId']}/stages/{work.id}", properties, old)
