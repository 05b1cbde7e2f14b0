"""The operator's doors in the contract."""

from __future__ import annotations

from micromoments.server import shapes
from micromoments.server.contract import OBJECT, SECRET, Json, answer, content, door, ref
from micromoments.server.control import Added, Back, PolicyBack, Previewed, Switched, Taught
from micromoments.server.deliveries import Foreseen, Outcomes, Replayed

SCHEMAS: tuple[type, ...] = (Switched, Back, Added, PolicyBack, Taught, Previewed, Foreseen, Replayed, Outcomes)
_VERSIONS: list[Json] = [
    {"name": "policy", "in": "query", "required": True, "schema": {"type": "string"}},
    {"name": "before", "in": "query", "required": True, "schema": {"type": "integer"}},
    {"name": "after", "in": "query", "schema": {"type": "integer"}},
]
_WARM: list[Json] = [
    {"name": "slot", "in": "query", "required": True, "schema": {"type": "string"}},
    {"name": "dryRun", "in": "query", "schema": {"type": "boolean"}},
]
_LINES: Json = {kind: {"schema": {"type": "string"}} for kind in ("application/x-ndjson", "text/plain")}


def control_doors() -> Json:
    """Slots off and on, versions of the settings, decisions to look at only."""
    tag = "control"
    put = content(ref(Switched))
    back = {"required": False, "content": content(ref(Back))}
    done = {"200": answer("In force.", OBJECT)}
    rollback = door("rollback", "Return to the settings before.", done, SECRET, tag=tag)
    mistakes = {"200": answer("Whether it is valid, and the mistakes.", OBJECT)}
    checked = door("checkConfig", "Look at an addition.", mistakes, SECRET, body=content(ref(Added)), tag=tag)
    compared = door("comparePolicy", "Two versions of a policy.", {"200": answer("Both.", OBJECT)}, SECRET, tag=tag)
    taught = door(
        "warmPolicy", "Teach a slot's policy a log.", {"200": answer("What came of it.", OBJECT)}, SECRET, tag=tag
    )
    return {
        "/v1/switch": {
            "get": door("switched", "What is off.", {"200": answer("Slots.", OBJECT)}, SECRET, tag=tag),
            "put": door("switch", "Off, or on.", done, SECRET, body=put, tag=tag),
        },
        "/v1/config": {
            "get": door("versions", "Versions of the settings.", {"200": answer("Them.", OBJECT)}, SECRET, tag=tag)
        },
        "/v1/config/reload": {"post": door("reload", "Read the file again.", done, SECRET, tag=tag)},
        "/v1/config/check": {"post": checked},
        "/v1/config/rollback": {"post": {**rollback, "requestBody": back}},
        "/v1/policies": {
            "get": door("policies", "What was learned, by version.", {"200": answer("Them.", OBJECT)}, SECRET, tag=tag)
        },
        "/v1/policies/guards": {
            "get": door("guards", "Policies against defaults.", {"200": answer("Them.", OBJECT)}, SECRET, tag=tag)
        },
        "/v1/policies/compare": {"get": {**compared, "parameters": _VERSIONS}},
        "/v1/policies/rollback": {
            "post": door("rollbackPolicy", "Put a version back.", done, SECRET, body=content(ref(PolicyBack)), tag=tag)
        },
        "/v1/policies/warm": {"post": {**taught, "parameters": _WARM, "requestBody": {"content": _LINES}}},
        "/v1/weights": {
            "get": door("weights", "The recogniser's weights.", {"200": answer("Them.", OBJECT)}, SECRET, tag=tag),
            "put": door("teach", "Put weights in force.", done, SECRET, body=content(ref(Taught)), tag=tag),
        },
        **_delivery_doors(),
        "/v1/preview": {
            "post": door(
                "preview",
                "A decision as anybody, anywhere, at any time; not logged.",
                {"200": answer("The decision, explained.", shapes.ExplainedShape)},
                SECRET,
                body=content(ref(Previewed)),
                tag=tag,
            )
        },
    }


def _delivery_doors() -> Json:
    """What triggers sent, and dead letters again."""
    tag = "control"
    several = [{"name": n, "in": "query", "schema": {"type": "string"}} for n in ("status", "destination", "cursor")]
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 500}}
    found = {"200": answer("Them.", OBJECT)}
    listed = door("deliveries", "What became of deliveries.", found, SECRET, tag=tag)
    again = door("replayDeliveries", "Send dead letters again.", found, SECRET, tag=tag)
    look = {"200": answer("Each destination.", OBJECT)}
    unknown = {"200": answer("The ids that no delivery has.", OBJECT)}
    foreseen, outcomes = content(ref(Foreseen)), content(ref(Outcomes))
    return {
        "/v1/deliveries": {"get": {**listed, "parameters": [*several, limit]}},
        "/v1/deliveries/replay": {
            "post": {**again, "requestBody": {"required": False, "content": content(ref(Replayed))}}
        },
        "/v1/deliveries/outcomes": {
            "post": door("tellOutcomes", "What became of them.", unknown, SECRET, body=outcomes, tag=tag)
        },
        "/v1/deliveries/preview": {
            "post": door("previewDelivery", "What a trigger would send.", look, SECRET, body=foreseen, tag=tag)
        },
    }
