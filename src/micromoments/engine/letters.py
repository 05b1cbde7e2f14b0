"""What a delivery says: its news as JSON, and its words by the destination's templates, in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.event import Millis
from micromoments.core.moment import MomentView
from micromoments.core.person import Person
from micromoments.core.settings import Destination, Trigger

MAX_TITLE, MAX_TEXT = 256, 4096
"""Characters; what is longer is cut."""
_SANDBOX = ImmutableSandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)


@lru_cache(maxsize=512)
def template(text: str) -> Template:
    """A template, read once.

    Raises:
        ValueError: it can't be read; says at which line.
    """
    try:
        return _SANDBOX.from_string(text)
    except TemplateError as error:
        raise ValueError(f"got a template that can't be read: {error}") from None


def rendered(text: str, values: Mapping[str, Any], most: int) -> str:
    """A template filled in; the sandbox keeps it from anything but what it was given.

    Raises:
        ValueError: it can't be filled in.
    """
    try:
        return template(text).render(values).strip()[:most]
    except Exception as error:  # noqa: BLE001 - a template is a program of the operator's: it may raise anything
        raise ValueError(f"got a template that can't be filled in: {type(error).__name__}: {error}") from None


def values(
    person: Person, moment: MomentView | None, decision: Decision | None, trigger: str, now: Millis
) -> dict[str, Any]:
    """What templates may use: ``person``, ``moment``, ``items``, ``decision_id``, ``trigger``, ``now``."""
    items = [
        {"id": i.id, "kind": i.kind, "title": i.title, "reasons": list(i.reasons), "attributes": i.attributes}
        for i in (decision.items if decision is not None else ())
    ]
    return {
        "person": {"traits": {k: t.value for k, t in person.traits.items()}, **who(person)},
        "moment": msgspec.to_builtins(moment) if moment is not None else {"need": {}},
        "items": items,
        "decision_id": decision.id if decision is not None else "",
        "trigger": trigger,
        "now": datetime.fromtimestamp(now / 1000, UTC),
    }


def who(person: Person) -> dict[str, str]:
    """The person as a receiver knows them: the userId that they are known by, else the anonymousId."""
    kind, _, id = person.id.partition(":")
    return {"userId" if kind == "user" else "anonymousId": id}


def news(
    delivery: Delivery, trigger: Trigger, person: Person, moment: MomentView | None, decision: Decision | None
) -> bytes:
    """The delivery as JSON, in the envelope of Standard Webhooks: ``type``, ``timestamp``, ``data``."""
    data: dict[str, Any] = {
        "deliveryId": delivery.id,
        "trigger": delivery.trigger,
        "person": who(person),
        "moment": msgspec.to_builtins(moment) if moment is not None else None,
    }
    if decision is not None:
        data |= {
            "decisionId": decision.id,
            "slot": decision.slot,
            "items": [
                {"id": i.id, "kind": i.kind, "title": i.title, "reasons": i.reasons, "attributes": i.attributes}
                for i in decision.items
            ],
        }
    at = datetime.fromtimestamp(delivery.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": f"moment.{trigger.on}", "timestamp": at, "data": data})


def written(delivery: Delivery, destination: Destination, known: Mapping[str, Any], data: bytes) -> Delivery:
    """The delivery with its words and its news: what every try will send.

    Raises:
        ValueError: a template can't be filled in.
    """
    words = {"title": "", "text": ""}
    if destination.channel or destination.kind in ("notify", "push"):
        words["title"] = rendered(destination.title, known, MAX_TITLE)
        words["text"] = rendered(destination.text, known, MAX_TEXT)
    return msgspec.structs.replace(delivery, data=data, **words)
