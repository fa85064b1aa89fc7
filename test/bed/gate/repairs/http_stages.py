"""API Gateway: a stage changes. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename.html"""

from __future__ import annotations

from typing import Any

from moto.apigatewayv2.models import apigatewayv2_backends

from ..registry import invents, repairs
from ..wire import service_model


@invents("apigateway-update-stage", "apigatewayv2", "UpdateStage")
def update(call: Any) -> dict[str, Any]:
    place = {"ApiId": call.input["ApiId"], "StageName": call.input["StageName"]}
    stage = call.aws("apigatewayv2", "GetStage", **place)
    shape: Any = service_model("apigatewayv2").operation_model("CreateStage").input_shape
    kept = {name: value for name, value in stage.items() if name in shape.members}
    # moto puts a stage of the same name in the place of the one before.
    call.aws("apigatewayv2", "CreateStage", **{**kept, **call.input})
    return {**call.aws("apigatewayv2", "GetStage", **place), "CreatedDate": stage["CreatedDate"]}


@repairs("apigateway-update-stage", "apigatewayv2", "TagResource", "UntagResource", "GetTags")
def tag(call: Any, proceed: Any) -> dict[str, Any]:
    """Stages have tags, too."""
    _, _, place = call.input["ResourceArn"].partition("::/apis/")
    api, _, name = place.partition("/stages/")
    if not name:
        return proceed()
    tags: dict[str, str] = apigatewayv2_backends[call.account.id][call.region].get_stage(api, name).tags
    tags.update(call.input.get("Tags", {}))
    for key in call.input.get("TagKeys", []):
        tags.pop(key, None)
    return {"Tags": dict(tags)} if call.action == "GetTags" else {}
