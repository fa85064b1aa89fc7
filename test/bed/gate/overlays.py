"""What reads show for a while after a change: first what was before it (lag), then an intermediate state.

A view lasts a number of reads that reach the resource. Nothing here knows a clock, so that a test can walk through
every state and a waiter cannot skip one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .account import Account
from .errors import AwsError
from .kinds import KINDS, Change, Kind, Read, Values, plain_function_name
from .registry import repairs

View = Callable[[Values | None], Values | None]


class Overlay:
    def __init__(self) -> None:
        self.views: list[list[Any]] = []  # [reads left, view, state]
        self.gone = False

    def push(self, reads: int, view: View, state: str | None) -> None:
        if reads > 0:
            self.views.append([reads, view, state])

    @property
    def state(self) -> str | None:
        return self.views[-1][2] if self.views else None

    def look(self, item: Values | None) -> Values | None:
        """One read."""
        while self.views and self.views[0][0] <= 0:
            self.views.pop(0)
        if not self.views:
            return item
        self.views[0][0] -= 1
        shown = self.views[0][1](item)
        if self.views[0][0] <= 0:
            self.views.pop(0)
        return shown


def overlays_of(account: Account, region: str, kind: Kind | str) -> dict[str, Overlay]:
    name = kind if isinstance(kind, str) else kind.name
    return account.overlays.setdefault((name, region), {})


def state_of(account: Account, region: str, kind: str, id: str) -> str | None:
    """The intermediate state that a resource is in; None when it is in none."""
    overlay = overlays_of(account, region, kind).get(id)
    return overlay.state if overlay else None


def in_state(account: Account, region: str, kind: str, state: str) -> list[Values]:
    """The resources of a kind in a state, as they are shown."""
    shown = []
    for overlay in overlays_of(account, region, kind).values():
        if overlay.state == state:
            item = overlay.views[-1][1](None)
            if item is not None:
                shown.append(item)
    return shown


def id_of(kind: Kind, value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, str) and kind.name == "lambda.function":
        return plain_function_name(value)
    if isinstance(value, str) and kind.name == "secretsmanager.secret" and value.startswith("arn:"):
        return value.split(":secret:")[1].rsplit("-", 1)[0]
    return value


def read_layer(kind: Kind, read: Read) -> Any:
    def layer(call: Any, proceed: Any) -> Values:
        overlays = overlays_of(call.account, call.region, kind)
        asked = id_of(kind, call.input.get(read.by)) if read.by else None
        try:
            output, failure = proceed(), None
        except AwsError as error:
            if asked not in overlays:
                raise
            output, failure = {}, error
        if read.items is None:
            return looked_at_one(kind, read, overlays.get(asked or ""), output, failure, asked)
        whole = not (call.input.get(read.by or "") or call.input.get("Filters") or call.input.get("Filter") or call.input.get("Marker") or call.input.get("NextToken"))
        output[read.items] = looked_at_all(kind, overlays, output.get(read.items, []), asked, whole)
        if asked and not output[read.items]:
            raise failure or missing(kind, asked)
        return output

    setattr(layer, "idle", lambda call: not any(overlay.views for overlay in list(overlays_of(call.account, call.region, kind).values())))
    return layer


def looked_at_one(kind: Kind, read: Read, overlay: Overlay | None, output: Values, failure: AwsError | None, asked: str | None) -> Values:
    if overlay is None:
        return output
    item = None if failure else (output.get(read.member, {}) if read.member else output)
    shown = overlay.look(item)
    if shown is None:
        raise failure or missing(kind, asked or "")
    return {**output, read.member: shown} if read.member else shown


def looked_at_all(kind: Kind, overlays: dict[str, Overlay], items: list[Values], asked: str | None, whole: bool) -> list[Values]:
    shown = []
    for item in items:
        overlay = overlays.get(str(item.get(kind.id_key)))
        seen = overlay.look(item) if overlay else item
        if seen is not None:
            shown.append(seen)
    present = {str(item.get(kind.id_key)) for item in items}
    for id, overlay in overlays.items():
        # A removed one is still shown, where the read's filter cannot have meant to leave it out.
        if id not in present and overlay.views and (asked == id or (asked is None and whole)):
            seen = overlay.look(None)
            if seen is not None:
                shown.append(seen)
    return shown


def missing(kind: Kind, id: str) -> AwsError:
    code, message, http = kind.missing
    return AwsError(code, message.format(id=id), http)


def change_layer(kind: Kind, change: Change) -> Any:
    def layer(call: Any, proceed: Any) -> Values:
        overlays = overlays_of(call.account, call.region, kind)
        id = change.id(call.input, {})
        refuse_while_busy(kind, change, overlays.get(id or ""), id)
        before = find(call, kind, id) if id else None
        output = proceed()
        id = id or change.id(call.input, output)
        if id is None or not kind_applies(kind, call.input):
            return output
        overlay = overlays[id] = Overlay()
        overlay.push(call.account.lag_of(kind.name), lambda _item: before, None)
        if kind.show is not None and change.state is not None:
            show, state = kind.show, change.state
            last = before if change.removes else None
            overlay.push(
                call.account.pace_of(kind.name),
                lambda item: show(last or item, state) if (last or item) is not None else None,
                state,
            )
        return shown_in_answer(kind, change, output)

    return layer


def kind_applies(kind: Kind, input: Values) -> bool:
    # Deleting a version of a function leaves the function.
    return not (kind.name == "lambda.function" and input.get("Qualifier"))


def refuse_while_busy(kind: Kind, change: Change, overlay: Overlay | None, id: str | None) -> None:
    if overlay is None or kind.busy is None or overlay.state not in kind.blocking:
        return
    if change.removes and overlay.state != "deleting":
        return
    if change.state == "creating" and overlay.state != "deleting":
        return
    code, message = kind.busy
    raise AwsError(code, message.format(id=id, state=overlay.state), 409 if code.endswith("ConflictException") else 400)


def find(call: Any, kind: Kind, id: str) -> Values | None:
    """The resource as moto has it, mended by the layers below."""
    for action, read in kind.reads.items():
        if read.by is None:
            continue
        value: Any = [id] if read.by.endswith("Ids") else id
        try:
            output = call.to(kind.service, action, {read.by: value}).below(read_layers)
        except AwsError:
            return None
        if read.items is not None:
            items = output.get(read.items) or []
            return items[0] if items else None
        return output.get(read.member) if read.member else output
    return None


def shown_in_answer(kind: Kind, change: Change, output: Values) -> Values:
    if kind.show is None or change.state is None:
        return output
    if kind.id_key in output and kind.service == "lambda":
        return kind.show(output, change.state)
    for key, value in output.items():
        if isinstance(value, dict) and kind.id_key in value:
            output[key] = kind.show(value, change.state)
    return output


read_layers: set[Any] = set()


def register() -> None:
    """After all repairs, so that states and lag lie around them."""
    for kind in KINDS:
        for action, read in kind.reads.items():
            layer = repairs(f"states-{kind.name}" if kind.show else f"lag-{kind.name}", kind.service, action)(read_layer(kind, read))
            read_layers.add(layer)
        for action, change in kind.changes.items():
            repairs(f"states-{kind.name}" if kind.show else f"lag-{kind.name}", kind.service, action)(change_layer(kind, change))
