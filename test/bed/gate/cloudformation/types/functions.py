"""Lambda: functions, versions, aliases, permissions, layers, URLs."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, changed_tags, declare

CODE = {"Code", "Architectures"}
APART = {"Code", "Tags", "ReservedConcurrentExecutions"}


def code_of(work: Work, properties: Values) -> Values:
    """`ZipFile` of a template is a source text, of the API a zip."""
    code = dict(properties["Code"])
    code.pop("SourceKMSKeyArn", None)
    if "ZipFile" not in code:
        return code
    file = "index.py" if str(properties.get("Runtime", "")).startswith("python") else "index.js"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # Always the same time: the same sources are the same code.
        archive.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), code["ZipFile"])
    return {"ZipFile": packed.getvalue()}


@declare("AWS::Lambda::Function")
class Function(ResourceType):
    mutable = frozenset({
        "Architectures", "Code", "DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "Handler", "KmsKeyArn",
        "Layers", "LoggingConfig", "MemorySize", "ReservedConcurrentExecutions", "Role", "Runtime", "SnapStart", "Tags",
        "Timeout", "TracingConfig", "VpcConfig",
    })

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("FunctionName") or work.name())
        rest = {key: value for key, value in properties.items() if key not in ("Code", "FunctionName", "ReservedConcurrentExecutions")}
        input = shaped("lambda", "CreateFunction", rest, RuntimeManagementConfig=None)
        work.calls.insist(lambda: work.ask("lambda", "CreateFunction", FunctionName=name, Code=code_of(work, properties), **input))
        work.made(name)
        self.settle(work, name)
        self.reserve(work, name, {}, properties)
        return name

    def settle(self, work: Work, name: str) -> None:
        def done() -> bool:
            found = work.ask("lambda", "GetFunctionConfiguration", FunctionName=name)
            return found.get("State", "Active") == "Active" and found.get("LastUpdateStatus", "Successful") == "Successful"

        work.calls.until(done, f"function {name}")

    def reserve(self, work: Work, name: str, old: Values, new: Values) -> None:
        key = "ReservedConcurrentExecutions"
        if key in new and str(new[key]) != str(old.get(key)):
            work.ask("lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=int(new[key]))
        elif key in old and key not in new:
            work.ask("lambda", "DeleteFunctionConcurrency", FunctionName=name)

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Arn": work.arn("lambda", f"function:{work.id}")}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        if changed & CODE:
            architectures = {"Architectures": properties["Architectures"]} if "Architectures" in properties else {}
            work.ask("lambda", "UpdateFunctionCode", FunctionName=work.id, **code_of(work, properties), **architectures)
            self.settle(work, work.id)
        if changed - APART - CODE:
            wanted = {key: value for key, value in properties.items() if key not in APART | CODE | {"FunctionName", "PackageType"}}
            # What the template no longer has goes back to its default.
            cleared = {"Environment": {"Variables": {}}, "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}, "Layers": [], "Description": ""}
            for key in changed & set(cleared) - set(properties):
                wanted[key] = cleared[key]
            work.ask("lambda", "UpdateFunctionConfiguration", FunctionName=work.id, **shaped("lambda", "UpdateFunctionConfiguration", wanted, RuntimeManagementConfig=None))
            self.settle(work, work.id)
        self.reserve(work, work.id, old, properties)
        added, removed = changed_tags(old, properties)
        arn = work.arn("lambda", f"function:{work.id}")
        if removed:
            work.ask("lambda", "UntagResource", Resource=arn, TagKeys=removed)
        if added:
            work.ask("lambda", "TagResource", Resource=arn, Tags=added)

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("lambda", "DeleteFunction", FunctionName=work.id))


@declare("AWS::Lambda::Version")
class Version(ResourceType):
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        made = work.ask("lambda", "PublishVersion", **shaped("lambda", "PublishVersion", properties, ProvisionedConcurrencyConfig=None, RuntimePolicy=None))
        return str(made["FunctionArn"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"FunctionArn": work.id, "Version": work.id.rsplit(":", 1)[1]}

    def delete(self, work: Work, properties: Values) -> None:
        name, version = work.id.rsplit(":", 2)[1:]
        work.drop("lambda", "DeleteFunction", FunctionName=name, Qualifier=version)


def alias_input(properties: Values) -> Values:
    input = {key: value for key, value in properties.items() if key not in ("RoutingConfig", "ProvisionedConcurrencyConfig")}
    weights = (properties.get("RoutingConfig") or {}).get("AdditionalVersionWeights", [])
    if weights:
        input["RoutingConfig"] = {"AdditionalVersionWeights": {one["FunctionVersion"]: float(one["FunctionWeight"]) for one in weights}}
    return input


@declare("AWS::Lambda::Alias")
class Alias(ResourceType):
    mutable = frozenset({"Description", "FunctionVersion", "RoutingConfig"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        return str(work.ask("lambda", "CreateAlias", **shaped("lambda", "CreateAlias", alias_input(properties)))["AliasArn"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"AliasArn": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        input = alias_input(properties)
        if "RoutingConfig" in changed and "RoutingConfig" not in input:
            input["RoutingConfig"] = {"AdditionalVersionWeights": {}}
        work.ask("lambda", "UpdateAlias", **shaped("lambda", "UpdateAlias", input))

    def delete(self, work: Work, properties: Values) -> None:
        name, alias = work.id.rsplit(":", 2)[1:]
        work.drop("lambda", "DeleteAlias", FunctionName=name, Name=alias)


def place_of(name: str) -> Values:
    """A function's name and qualifier, of a name or an ARN with or without one."""
    parts = name.split(":function:")[-1].split(":")
    return {"FunctionName": parts[0], **({"Qualifier": parts[1]} if len(parts) > 1 else {})}


@declare("AWS::Lambda::Permission")
class Permission(ResourceType):
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        id = work.name(100)
        rest = {key: value for key, value in properties.items() if key != "FunctionName"}
        input = shaped("lambda", "AddPermission", rest, InvokedViaFunctionUrl=None)
        work.ask("lambda", "AddPermission", **place_of(properties["FunctionName"]), StatementId=id, **input)
        return id

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("lambda", "RemovePermission", **place_of(properties["FunctionName"]), StatementId=work.id)


@declare("AWS::Lambda::LayerVersion")
class LayerVersion(ResourceType):
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        named = {"LayerName": properties.get("LayerName") or work.name(), **properties}
        return str(work.ask("lambda", "PublishLayerVersion", **shaped("lambda", "PublishLayerVersion", named))["LayerVersionArn"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"LayerVersionArn": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        layer, version = work.id.rsplit(":", 1)
        work.drop("lambda", "DeleteLayerVersion", LayerName=layer.rsplit(":", 1)[1], VersionNumber=int(version))


@declare("AWS::Lambda::Url")
class Url(ResourceType):
    mutable = frozenset({"AuthType", "Cors", "InvokeMode"})
    tags = False

    def input(self, action: str, properties: Values) -> Values:
        place = {**place_of(properties["TargetFunctionArn"]), **({"Qualifier": properties["Qualifier"]} if "Qualifier" in properties else {})}
        rest = {key: value for key, value in properties.items() if key in self.mutable}
        return {**place, **shaped("lambda", action, rest)}

    def create(self, work: Work, properties: Values) -> str:
        return str(work.ask("lambda", "CreateFunctionUrlConfig", **self.input("CreateFunctionUrlConfig", properties))["FunctionArn"])

    def attributes(self, work: Work, properties: Values) -> Values:
        place = self.input("GetFunctionUrlConfig", {key: properties[key] for key in ("TargetFunctionArn", "Qualifier") if key in properties})
        return {"FunctionArn": work.id, "FunctionUrl": work.ask("lambda", "GetFunctionUrlConfig", **place)["FunctionUrl"]}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        work.ask("lambda", "UpdateFunctionUrlConfig", **self.input("UpdateFunctionUrlConfig", properties))

    def delete(self, work: Work, properties: Values) -> None:
        place = {key: properties[key] for key in ("TargetFunctionArn", "Qualifier") if key in properties}
        work.drop("lambda", "DeleteFunctionUrlConfig", **self.input("DeleteFunctionUrlConfig", place))


@declare("AWS::Lambda::EventInvokeConfig")
class EventInvokeConfig(ResourceType):
    mutable = frozenset({"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        work.ask("lambda", "PutFunctionEventInvokeConfig", **shaped("lambda", "PutFunctionEventInvokeConfig", properties))
        return f"{properties['FunctionName']}:{properties['Qualifier']}"

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        work.ask("lambda", "PutFunctionEventInvokeConfig", **shaped("lambda", "PutFunctionEventInvokeConfig", properties))

    def delete(self, work: Work, properties: Values) -> None:
        place: Any = {key: properties[key] for key in ("FunctionName", "Qualifier")}
        work.drop("lambda", "DeleteFunctionEventInvokeConfig", **place)
