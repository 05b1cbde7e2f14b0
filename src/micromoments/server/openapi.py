"""``GET /openapi.json``: the contract, OpenAPI 3.1. Paths are kept by hand, schemas are those of the classes in use."""

from __future__ import annotations

from importlib.metadata import version

import msgspec

from micromoments.server import shapes
from micromoments.server.contract import (
    ANY,
    CURSOR,
    DECISION,
    LIMIT,
    OBJECT,
    PRIVATE,
    PUBLIC,
    SECRET,
    TEXT,
    Accepted,
    Erased,
    ItemPage,
    ItemsPut,
    Json,
    Moments,
    ProblemDetails,
    SegmentBatch,
    SegmentError,
    answer,
    content,
    door,
    param,
    ref,
)
from micromoments.server.contract_control import SCHEMAS, control_doors
from micromoments.server.contract_dashboard import SCHEMAS as DASHBOARD
from micromoments.server.contract_dashboard import dashboard_doors
from micromoments.server.contract_search import SCHEMAS as SEARCH
from micromoments.server.contract_search import search_doors
from micromoments.server.decide import Asked
from micromoments.server.foreign_contract import foreign_doors
from micromoments.server.scripts import script_doors
from micromoments.sources.segment import KINDS
from micromoments.sources.wire import Wire

_SCHEMAS: tuple[type, ...] = (
    Asked,
    Wire,
    SegmentBatch,
    Accepted,
    SegmentError,
    ProblemDetails,
    Moments,
    Erased,
    ItemPage,
    ItemsPut,
    shapes.DecisionShape,
    shapes.ExplainedShape,
    shapes.ItemShape,
    *SEARCH,
    *SCHEMAS,
    *DASHBOARD,
)


_PERSON = param("id", "path", "A userId, or an id with user: or anon: before it.")
_ITEM_ID = param("id", "path", "The item's id.")


def _segment_doors() -> Json:
    doors: Json = {}
    bodies = {name: (kind, Wire) for name, kind in KINDS.items()}
    for name, (kind, type_) in {**bodies, **dict.fromkeys(("batch", "b", "import"), ("batch", SegmentBatch))}.items():
        path = f"/v1/{name}"
        error = {status: answer(words, SegmentError) for status, words in _SEGMENT_ERRORS.items()}
        short = " (short name)" if len(name) == 1 else ""
        doors[path] = {
            "post": {
                "operationId": f"segment_{name}",
                "summary": f"Segment's {kind} call{short}; answers when what it accepted is durable.",
                "tags": ["events"],
                "security": [{"writeKey": []}, {"secretKey": []}, {"personToken": []}, {}],
                "requestBody": {
                    "required": True,
                    "description": "JSON whatever the content type says; gzip is understood.",
                    "content": content(ref(type_)) | content(ref(type_), "text/plain"),
                },
                "responses": {"200": answer("Accepted, durably.", Accepted), **error},
            }
        }
    return doors


_SEGMENT_ERRORS = {
    "400": "Malformed or oversized; sending it again won't help.",
    "401": "No known write key.",
    "403": "A foreign page or host, at a server without keys.",
    "429": "Too much now; Retry-After and X-RateLimit-Reset say when to send again.",
    "503": "The log can't be written; send again.",
}


def _paths() -> Json:
    return {
        **_segment_doors(),
        **foreign_doors(),
        **_decision_doors(),
        **_people_doors(),
        **_item_doors(),
        **_one_item_doors(),
        **search_doors(),
        **_report_doors(),
        **control_doors(),
        **dashboard_doors(),
        **script_doors(),
        **_probes(),
    }


def _decision_doors() -> Json:
    return {
        "/v1/projects/{key}/settings": {
            "get": door(
                "settings",
                "What browser SDKs ask for before they send.",
                {"200": answer("Settings.", OBJECT)},
                PUBLIC,
                parameters=[param("key", "path", "The write key.")],
                tag="events",
            )
        },
        "/v1/decide": {
            "post": door(
                "decide",
                "What to serve this person in this slot now; an event may come with it.",
                {"200": answer("The decision, durable.", shapes.DecisionShape)},
                ANY,
                body=content(ref(Asked)),
                tag="decisions",
            )
        },
        "/v1/decisions/{id}": {
            "get": door(
                "explain",
                "A decision explained: considered, refused and why, scored, chosen.",
                {"200": answer("The decision.", shapes.ExplainedShape)},
                PRIVATE,
                parameters=[DECISION],
                tag="decisions",
            )
        },
    }


def _people_doors() -> Json:
    return {
        "/v1/people/{id}/moments": {
            "get": door(
                "moments",
                "A person's open moments.",
                {"200": answer("Moments.", Moments)},
                PRIVATE,
                parameters=[_PERSON, param("history", "query", "1 for those that ended, too."), LIMIT],
                tag="people",
            )
        },
        "/v1/people/{id}/export": {
            "get": door(
                "export",
                "All that is held of a person.",
                {"200": answer("Everything, in JSON.", OBJECT)},
                PRIVATE,
                parameters=[_PERSON],
                tag="people",
            )
        },
        "/v1/people/{id}": {
            "delete": door(
                "erase",
                "Forget a person: state, log, facts.",
                {"200": answer("Forgotten.", Erased)},
                PRIVATE,
                parameters=[_PERSON],
                tag="people",
            )
        },
    }


def _item_doors() -> Json:
    items_body = content({"type": "array", "items": ref(shapes.ItemShape)}) | {"application/x-ndjson": {"schema": TEXT}}
    patch_body = content({"type": "array", "items": OBJECT}) | {"application/x-ndjson": {"schema": TEXT}}
    page, put = ItemPage, ItemsPut
    return {
        "/v1/items": {
            "get": door(
                "items",
                "The catalogue.",
                {"200": answer("A page.", page)},
                SECRET,
                parameters=[LIMIT, CURSOR],
                tag="items",
            ),
            "put": door("put_items", "Put many.", {"200": answer("Put.", put)}, SECRET, body=items_body, tag="items"),
            "patch": door(
                "patch_items",
                "Change fields of many.",
                {"200": answer("Put.", put)},
                SECRET,
                body=patch_body,
                tag="items",
            ),
            "delete": door(
                "delete_items",
                "Delete many by id.",
                {"200": answer("Deleted.", OBJECT)},
                SECRET,
                body=content({"type": "array", "items": TEXT}),
                tag="items",
            ),
        },
    }


def _one_item_doors() -> Json:
    item = shapes.ItemShape
    return {
        "/v1/items/{id}": {
            "get": door(
                "item", "One item.", {"200": answer("The item.", item)}, SECRET, parameters=[_ITEM_ID], tag="items"
            ),
            "put": door(
                "put_item",
                "Put one.",
                {"200": answer("The item.", item)},
                SECRET,
                parameters=[_ITEM_ID],
                body=content(ref(item)),
                tag="items",
            ),
            "patch": door(
                "patch_item",
                "Change fields of one (RFC 7396).",
                {"200": answer("The item.", item)},
                SECRET,
                parameters=[_ITEM_ID],
                body=content(OBJECT, "application/merge-patch+json"),
                tag="items",
            ),
            "delete": door(
                "delete_item", "Delete one.", {"204": answer("Gone.")}, SECRET, parameters=[_ITEM_ID], tag="items"
            ),
        },
    }


def _report_doors() -> Json:
    query = [
        param(name, "query", words)
        for name, words in {
            "from": "First instant, RFC 3339.",
            "to": "First instant not counted, RFC 3339.",
            "tz": "IANA zone of days and hours.",
            "by": "What to split by.",
            "segment": "Only this part, such as type:buy.",
            "goal": "The goal that counts as success.",
            "slot": "Only this slot.",
            "decision": "Of the report `receipt`: whose.",
            "cursor": "Of the report `behind`: where the last answer ended.",
            "cause": "Of the report `behind`: only moments missed for this cause.",
            "item": "Of the report `behind`: only decisions that served this item.",
            "need": "Of the report `behind`: only moments and searches for these words.",
            "only": "Of the report `behind`: one kind of row, as NAME:VALUE, such as ended:fulfilled or refused:cap.",
            "lift": "Of `worth` and `history`: what serving is assumed to add, as shares, such as 0.01-0.05.",
            "worth": "Of `worth` and `history`: what a goal without a value is worth, in minor units.",
        }.items()
    ]
    return {
        "/v1/reports": {
            "get": door(
                "reports",
                "Which reports there are.",
                {"200": answer("Names.", OBJECT)},
                SECRET,
                tag="reports",
            )
        },
        "/v1/reports/{name}": {
            "get": door(
                "report",
                "A report, as of when and counting what.",
                {"200": answer("It.", OBJECT)},
                SECRET,
                parameters=[param("name", "path", "scorecards, lift, needs ..."), *query],
                tag="reports",
            )
        },
        "/v1/stream": {
            "get": door(
                "stream",
                "Moments, decisions and deliveries as they become durable.",
                {"200": answer("Server-sent events.", TEXT, "text/event-stream")},
                PRIVATE,
                parameters=[
                    param("person", "query", "Only this person."),
                    param("Last-Event-ID", "header", "Go on after this message."),
                    param("access_token", "query", "A person token, where no header can be sent."),
                ],
                tag="stream",
            )
        },
    }


def _probes() -> Json:
    html = "text/html"
    yes = {"200": answer("Yes.", OBJECT)}
    return {
        "/healthz": {"get": door("healthz", "Is it alive?", yes, PUBLIC, tag="probes")},
        "/readyz": {"get": door("readyz", "Does it take traffic?", yes, PUBLIC, tag="probes")},
        "/metrics": {
            "get": door(
                "metrics",
                "Prometheus metrics; from elsewhere with the secret key.",
                {"200": answer("Metrics.", TEXT, "text/plain")},
                [{}, *SECRET],
                tag="probes",
            )
        },
        "/openapi.json": {
            "get": door("openapi", "This contract.", {"200": answer("OpenAPI 3.1.", OBJECT)}, PUBLIC, tag="probes")
        },
        "/": {"get": door("dashboard", "The dashboard.", {"200": answer("A page.", TEXT, html)}, PUBLIC, tag="probes")},
    }


def document() -> Json:
    """The contract as one object."""
    _, components = msgspec.json.schema_components(_SCHEMAS, ref_template="#/components/schemas/{name}")
    for name in ("properties", "traits", "context", "integrations"):
        # The decoder's type bounds the nesting; to a reader it is an object.
        components["Wire"]["properties"][name] = OBJECT
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Micromoments",
            "version": version("micromoments"),
            "summary": "Recognises the moment a consumer is in, and serves the best thing for it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": components,
            "responses": {
                "Problem": answer("What went wrong, and what to do.", ProblemDetails, "application/problem+json")
            },
            "securitySchemes": {
                "writeKey": {"type": "http", "scheme": "basic", "description": "The write key as user, no password."},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "Any key or token."},
                "subscriptionKey": {"type": "apiKey", "in": "header", "name": "Ocp-Apim-Subscription-Key"},
                "secretKey": {"type": "http", "scheme": "bearer", "description": "The secret key."},
                "personToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "HS256, signed by your server: sub, and exp within the hour.",
                },
            },
        },
    }
