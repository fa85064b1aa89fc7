"""API Gateway's HTTP APIs."""

from __future__ import annotations

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, changed_tags, declare


class Part(ResourceType):
    """A part of an API, made, changed and deleted by calls that are named after it."""

    word = ""
    id_key = ""
    tags: str | None = None
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
    word, id_key, tags, fixed = "Api", "ApiId", "Tags", frozenset({"ProtocolType"})

    def place(self, id: str, properties: Values) -> Values:
        return {"ApiId": id}

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"ApiId": work.id, "ApiEndpoint": work.ask("apigatewayv2", "GetApi", ApiId=work.id)["ApiEndpoint"]}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        super().update(work, properties, old, changed)
        retag(work, f"/apis/{work.id}", properties, old)


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
    word, id_key, tags, fixed = "Stage", "StageName", "Tags", frozenset({"ApiId", "StageName"})

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        super().update(work, properties, old, changed)
        retag(work, f"/apis/{properties['ApiId']}/stages/{work.id}", properties, old)
