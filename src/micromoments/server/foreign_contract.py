"""The contract's part of other protocols: what their doors take and answer, each in its own words."""

from __future__ import annotations

from typing import Any

from micromoments.server.contract import Accepted, Json, answer, content, door, param

_TEXT: Json = {"type": "string"}
_KEYS: list[Json] = [{"writeKey": []}, {"secretKey": []}, {"personToken": []}]


def foreign_doors() -> Json:
    """Paths of the doors of other protocols."""
    return {**_cloudevents(), **_snowplow(), **_ofrep(), **_personalizer(), **_loop()}


def _plain(words: str, errors: dict[str, str], ok: Json, **more: Any) -> Json:
    """An operation that tells errors in its protocol's words."""
    return {"summary": words, "responses": {**ok, **{status: answer(said) for status, said in errors.items()}}, **more}


_TRACKED = {
    "400": "Not the protocol, or nothing that can be taken; final.",
    "401": "No known aid; final.",
    "403": "A foreign page or host, at a server without keys.",
    "413": "More than 500 KB.",
    "429": "Too much now; sent again later.",
    "503": "The log can't be written; sent again later.",
}


def _cloudevents() -> Json:
    event: Json = {
        "type": "object",
        "required": ["id", "source", "specversion", "type"],
        "properties": {
            **{name: {"type": "string", "minLength": 1} for name in ("id", "source", "type")},
            **dict.fromkeys(("subject", "time", "userid", "anonymousid", "datacontenttype", "data_base64"), _TEXT),
            "specversion": {"const": "1.0"},
            "data": {},
        },
    }
    body = {
        "application/cloudevents+json": {"schema": event},
        "application/cloudevents-batch+json": {"schema": {"type": "array", "items": event}},
        "application/json": {"schema": {"description": "Binary mode: the data; the attributes are ce- headers."}},
    }
    accepted = {"200": answer("Accepted, durably.", Accepted)}
    words = "CloudEvents 1.0: binary, structured or batched."
    return {"/v1/cloudevents": {"post": door("cloudevents", words, accepted, _KEYS, body=body, tag="events")}}


def _snowplow() -> Json:
    payload: Json = {"type": "object", "required": ["e"], "additionalProperties": _TEXT}
    batch: Json = {
        "type": "object",
        "required": ["schema", "data"],
        "properties": {"schema": _TEXT, "data": {"type": "array", "items": payload}},
    }
    names = {
        "e": "pv, pp, se, ue, tr or ti.",
        "aid": "The write key.",
        "uid": "The userId.",
        "duid": "The anonymousId.",
    }
    return {
        "/com.snowplowanalytics.snowplow/tp2": {
            "post": _plain(
                "Snowplow's tracker protocol; aid is the write key.",
                _TRACKED,
                {"200": answer("Accepted, durably.", _TEXT, "text/plain")},
                operationId="snowplow_tp2",
                tags=["events"],
                security=[{}],
                requestBody={"required": True, "content": content(batch)},
            )
        },
        "/i": {
            "get": _plain(
                "Snowplow's pixel: one payload as a query.",
                _TRACKED,
                {"200": answer("Accepted, durably: a GIF.", _TEXT, "image/gif")},
                operationId="snowplow_pixel",
                tags=["events"],
                security=[{}],
                parameters=[param(name, "query", words) for name, words in names.items()],
            )
        },
    }


_EVALUATION: Json = {
    "type": "object",
    "required": ["context"],
    "properties": {
        "context": {"type": "object", "required": ["targetingKey"], "properties": {"targetingKey": _TEXT}},
    },
}
_FLAG: Json = {
    "type": "object",
    "required": ["key", "reason", "variant"],
    "properties": {
        "key": _TEXT,
        "value": {"description": "Absent where the code's default holds."},
        "reason": {"enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"]},
        "variant": _TEXT,
        "metadata": {"type": "object"},
    },
}
_FAILURE: Json = {
    "type": "object",
    "required": ["errorCode", "errorDetails"],
    "properties": {"key": _TEXT, "errorCode": _TEXT, "errorDetails": _TEXT},
}
_OFREP_KEYS: list[Json] = [{"secretKey": []}, {"personToken": []}, {"writeKey": []}, {"apiKey": []}]


def _evaluation(id: str, words: str, ok: Json, errors: dict[str, str], parameters: list[Json]) -> Json:
    told = {status: answer(said, _FAILURE) for status, said in errors.items()}
    return {
        "operationId": id,
        "summary": words,
        "tags": ["flags"],
        "security": _OFREP_KEYS,
        "parameters": parameters,
        "requestBody": {"required": True, "content": content(_EVALUATION)},
        "responses": {**ok, **told},
    }


def _ofrep() -> Json:
    errors = {
        "400": "No evaluation request.",
        "401": "No known credential.",
        "403": "Another person's, or a user under a write key.",
        "429": "Too much now; Retry-After says when.",
        "500": "An error of ours, or a log that can't be written.",
    }
    instant = {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}]}
    flags = {"type": "object", "required": ["flags"], "properties": {"flags": {"type": "array", "items": _FLAG}}}
    some = [
        param("If-None-Match", "header", "The entity tag of the last answer."),
        param("flagConfigEtag", "query", "What the event stream said."),
        param("flagConfigLastModified", "query", "What the event stream said.", instant),
    ]
    many = {"200": answer("All flags.", flags), "304": answer("As before.")}
    return {
        "/ofrep/v1/evaluate/flags": {
            "post": _evaluation("ofrep_all", "OFREP: every slot and experiment as a flag.", many, errors, some)
        },
        "/ofrep/v1/evaluate/flags/{key}": {
            "post": _evaluation(
                "ofrep_one",
                "OFREP: one slot or experiment as a flag.",
                {"200": answer("The flag.", _FLAG)},
                {**errors, "404": "No such flag."},
                [param("key", "path", "The slot or experiment.")],
            )
        },
        "/ofrep/v1/events/{channel}": {
            "get": {
                "operationId": "ofrep_events",
                "summary": "OFREP: says when to fetch again, by server-sent events.",
                "tags": ["flags"],
                "security": [{}],
                "parameters": [param("channel", "path", "From a bulk evaluation.")],
                "responses": {
                    "200": answer("Server-sent events.", _TEXT, "text/event-stream"),
                    "404": answer("No such channel.", _FAILURE),
                    "503": answer("Too many listeners.", _FAILURE),
                },
            }
        },
    }


_AZURE_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "object", "required": ["code", "message"], "properties": {"code": _TEXT, "message": _TEXT}}
    },
}
_RANKING: Json = {
    "type": "object",
    "required": ["actions"],
    "properties": {
        "contextFeatures": {"type": "array", "items": {"type": "object"}},
        "actions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": _TEXT, "features": {"type": "array", "items": {"type": "object"}}},
            },
        },
        "excludedActions": {"type": "array", "items": _TEXT},
        "eventId": {"type": "string", "minLength": 1, "maxLength": 256},
        "deferActivation": {"type": "boolean"},
    },
}
_RANKED: Json = {
    "type": "object",
    "required": ["ranking", "eventId", "rewardActionId"],
    "properties": {
        "ranking": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": _TEXT, "probability": {"type": "number"}}},
        },
        "eventId": _TEXT,
        "rewardActionId": _TEXT,
    },
}


def _many(what: Json) -> Json:
    return {"type": "array", "items": what}


_SLOTS: Json = {
    "type": "object",
    "required": ["actions", "slots"],
    "properties": {
        **{name: _RANKING["properties"][name] for name in ("contextFeatures", "actions", "eventId", "deferActivation")},
        "slots": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["id", "baselineAction"],
                "properties": {
                    "id": {"type": "string", "minLength": 1, "maxLength": 256},
                    "baselineAction": _TEXT,
                    "features": _many({"type": "object"}),
                    "excludedActions": _many(_TEXT),
                },
            },
        },
    },
}
_SLOTTED: Json = {
    "type": "object",
    "required": ["slots", "eventId"],
    "properties": {
        "slots": _many({"type": "object", "properties": {"id": _TEXT, "rewardActionId": _TEXT}}),
        "eventId": _TEXT,
    },
}


def _azure(id: str, words: str, ok: Json, body: Json | None, *, event: bool) -> Json:
    operation: Json = {
        "operationId": id,
        "summary": words,
        "tags": ["personalizer"],
        "security": [{"subscriptionKey": []}, {"secretKey": []}],
        "responses": {**ok, "default": answer("What went wrong.", _AZURE_ERROR)},
    }
    if body:
        operation["requestBody"] = {"required": True, "content": content(body)}
    if event:
        operation["parameters"] = [param("id", "path", "The eventId.")]
    return {"post": operation}


def _personalizer() -> Json:
    base, done = "/personalizer/v1.0", {"204": answer("Kept, durably.")}
    worth: Json = {"type": "object", "required": ["value"], "properties": {"value": {"type": "number"}}}
    told = {**worth, "required": ["slotId", "value"], "properties": {**worth["properties"], "slotId": _TEXT}}
    worths: Json = {"type": "object", "required": ["reward"], "properties": {"reward": _many(told)}}
    out: Json = {}
    for path, id, asked, ranked, reward in (
        (base, "personalizer", _RANKING, _RANKED, worth),
        (f"{base}/multislot", "personalizer_slots", _SLOTS, _SLOTTED, worths),
    ):
        chosen, one = {"201": answer("Chosen, durably.", ranked)}, f"{path}/events/{{id}}"
        out |= {
            f"{path}/rank": _azure(f"{id}_rank", "Personalizer: choose actions.", chosen, asked, event=False),
            f"{one}/reward": _azure(f"{id}_reward", "Personalizer: what it was worth.", done, reward, event=True),
            f"{one}/activate": _azure(f"{id}_activate", "Personalizer: it was shown.", done, None, event=True),
        }
    return out


def _loop() -> Json:
    """What else the service had: settings, model, and doors that say what to use instead."""
    base, anything, done = "/personalizer/v1.0", {"type": "object"}, {"204": answer("Done, durably.")}
    model: Json = {"application/octet-stream": {"schema": {}}}
    said: Json = {"200": answer("As it is now.", anything)}
    none: Json = {"200": answer("None are kept here.", _many(anything))}
    file: Json = {"200": {"description": "The policy's state.", "content": model}}
    doors: dict[str, dict[str, tuple[str, Json, Json | None]]] = {
        "status": {"get": ("whether it serves", said, None)},
        "configurations/service": {
            "get": ("the slot's window, floor and mode", said, None),
            "put": ("another window, floor or mode", said, content(anything)),
        },
        "configurations/policy": {
            "get": ("the policy that learns", said, None),
            "put": ("another policy", said, content(anything)),
            "delete": ("the default policy", said, None),
        },
        "configurations/applyFromEvaluation": {"post": ("what to use instead", done, content(anything))},
        "model": {
            "get": ("the policy's state", file, None),
            "put": ("put a state in force", done, model),
            "delete": ("forget what was learned", done, None),
        },
        "model/properties": {"get": ("how many outcomes it learned", said, None)},
        "evaluations": {
            "get": ("none are kept here", none, None),
            "post": ("what to use instead", said, content(anything)),
        },
        "evaluations/{id}": {"get": ("none is kept", said, None), "delete": ("none is kept", done, None)},
        "logs": {"delete": ("what to use instead", done, None)},
        "logs/properties": {"get": ("what to use instead", said, None)},
        "logs/interactions": {"post": ("what to use instead", done, model)},
        "logs/observations": {"post": ("what to use instead", done, model)},
        "featureimportances": {
            "get": ("what to use instead", said, None),
            "post": ("what to use instead", said, content(anything)),
        },
    }
    out: Json = {}
    for path, methods in doors.items():
        name = "".join(c if c.isalpha() else "_" for c in path)
        for method, (words, ok, body) in methods.items():
            one = _azure(f"personalizer_{name}_{method}", f"Personalizer: {words}.", ok, None, event="{id}" in path)
            if body:
                one["post"]["requestBody"] = {"required": True, "content": body}
            out.setdefault(f"{base}/{path}", {})[method] = one["post"]
    return out
