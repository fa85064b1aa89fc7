"""The control routes, `/_gate/<account>/<what>`: JSON in, JSON out. test/bed/bed.ts holds their types."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

from moto.core.base_backend import BackendDict
from werkzeug.wrappers import Request, Response

from .account import Account, accounts
from .call import Call
from .cloudformation.descriptions import failures, template_resources
from .cloudformation.types import types
from .cloudformation.types.custom import take_answer
from .errors import AwsError
from .registry import guards_of, ledger_ids
from .repairs.rotation import find_rotations
from .validate import validate
from .wire import from_json, service_model, to_json


def control(request: Request, moto: Any) -> Response:
    account_id, _, what = request.path.removeprefix("/_gate/").partition("/")
    body = json.loads(request.get_data() or b"null")
    if account_id == "ledger":
        return reply(sorted(ledger_ids))
    if what == "forget":
        accounts.forget(account_id)
        for backend in list(BackendDict._instances):
            dict.pop(backend, account_id, None)
        return reply({})
    if what not in ROUTES:
        return reply({"error": f"no control route {what}"}, 404)
    account = accounts.get(account_id)
    try:
        with account.lock:
            return reply(ROUTES[what](account, body, moto))
    except AwsError as error:
        return reply({"error": {"code": error.code, "message": error.message}}, 409)
    except Exception:
        account.violate("gate", account_id, what, traceback.format_exc())
        return reply({"error": {"code": "GateFailed", "message": traceback.format_exc()}}, 409)


def reply(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(to_json(value)), status, content_type="application/json")


def add_fault(account: Account, body: Any, _moto: Any) -> Any:
    account.faults.append({"service": "*", "action": "*", "count": 1, **body})


def clear_faults(account: Account, _body: Any, _moto: Any) -> Any:
    account.faults.clear()


def add_hook(account: Account, body: Any, _moto: Any) -> Any:
    account.hooks.append({"url": body["url"], "instead": body.get("instead", []), "after": body.get("after", [])})


def remove_hook(account: Account, body: Any, _moto: Any) -> Any:
    account.hooks[:] = [hook for hook in account.hooks if hook["url"] != body["url"]]


def set_policies(account: Account, body: Any, _moto: Any) -> Any:
    account.policies = body


def set_target_health(account: Account, body: Any, _moto: Any) -> Any:
    """`{region, proxy, health}`: what the targets of a proxy show until it is null again."""
    proxies = account.remembered(body["region"], "proxies")
    proxies.setdefault(body["proxy"], {"scheme": None, "init": None})["health"] = body["health"]


def aws(account: Account, body: Any, moto: Any) -> Any:
    """Asks moto (`plain`) or the gate's layers for an operation: neither logged nor failed nor paced by a hook."""
    operation = service_model(body["service"]).operation_model(body["action"])
    input = from_json(body.get("input", {}), operation.input_shape)
    call = Call(moto, account, body["region"], f"AKIA{account.id}CONTROL", operation, input)
    if body.get("plain", True):
        return call.from_moto()
    for guard in guards_of.get((call.service, call.action), []):
        guard(call)
    output = call.answer()
    for violation in validate(output, operation.output_shape):
        account.violate("answer", call.service, call.action, violation.message)
    return output


def function_code(account: Account, body: Any, _moto: Any) -> Any:
    """The deployed zip and configuration of a function version: `{name, qualifier?, region}`."""
    from moto.awslambda.models import lambda_backends

    function = lambda_backends[account.id][body["region"]].get_function(body["name"], body.get("qualifier"))
    return {
        "zip": function.code_bytes or b"",
        "sha256": function.code_sha_256,
        "configuration": function.get_configuration(),
        "environment": function.environment_vars,
        "version": function.version,
    }


def layer_code(account: Account, body: Any, _moto: Any) -> Any:
    """The zip of a layer version: `{arn, region}`."""
    from moto.awslambda.models import lambda_backends

    return {"zip": lambda_backends[account.id][body["region"]].layers_versions_by_arn(body["arn"]).code_bytes}


ROUTES: dict[str, Callable[[Account, Any, Any], Any]] = {
    "fault": add_fault,
    "clear-faults": clear_faults,
    "faults": lambda account, _body, _moto: account.faults,
    "hook": add_hook,
    "unhook": remove_hook,
    "requests": lambda account, _body, _moto: account.requests,
    "clear-requests": lambda account, _body, _moto: account.requests.clear(),
    "violations": lambda account, _body, _moto: account.violations,
    "clear-violations": lambda account, _body, _moto: account.violations.clear(),
    "pace": lambda account, body, _moto: account.pace.update(body),
    "lag": lambda account, body, _moto: account.lag.update(body),
    "policies": set_policies,
    "target-health": set_target_health,
    "rotations": find_rotations,
    "aws": aws,
    "function": function_code,
    "layer": layer_code,
    "stack-template": lambda account, body, _moto: template_resources(account, body["region"], body["stack"]),
    "stack-types": lambda _account, _body, _moto: sorted(types),
    "stack-failures": lambda account, body, _moto: failures(account, body["region"]),
    "custom-resource-answer": lambda account, body, _moto: take_answer(account, body),
}
