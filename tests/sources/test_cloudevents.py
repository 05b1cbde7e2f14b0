"""CloudEvents in each of their modes become calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from micromoments.sources import cloudevents
from micromoments.sources.lenient import Rejected

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "Products Searched",
    "subject": "ana",
    "time": "2026-11-25T10:00:00Z",
    "data": {"query": "trail shoes"},
}


def test_modes_give_the_same_event() -> None:
    """Binary, structured and batched differ on the wire only."""
    headers = {f"ce-{k}".encode(): v.encode() for k, v in EVENT.items() if k != "data"}
    binary = cloudevents.received({**headers, b"content-type": b"application/json"}, json.dumps(EVENT["data"]).encode())
    structured = cloudevents.received(
        {b"content-type": b"application/cloudevents+json; charset=utf-8"}, json.dumps(EVENT).encode()
    )
    batched = cloudevents.received(
        {b"content-type": b"application/cloudevents-batch+json"}, json.dumps([EVENT]).encode()
    )
    calls = [cloudevents.call(one) for (one,) in (binary, structured, batched)]
    for one in calls:
        one["context"]["cloudevent"].pop("datacontenttype", None)
    assert calls[0] == calls[1] == calls[2]
    assert calls[0]["event"] == "Products Searched"
    assert calls[0]["properties"] == {"query": "trail shoes"}
    assert calls[0]["userId"] == "ana"
    assert calls[0]["timestamp"] == EVENT["time"]


def test_headers_are_percent_encoded() -> None:
    """An attribute may hold any letter; quotes around it are not part of it."""
    headers = {b"ce-type": b'"caf%C3%A9 \\"x\\""', b"ce-id": b"1", b"ce-source": b"s", b"ce-specversion": b"1.0"}
    (one,) = cloudevents.received(headers, b"")
    assert cloudevents.call({**one, "subject": "a"})["event"] == 'café "x"'


def test_data_that_is_a_call_is_that_call() -> None:
    """An identify within stays one; ids in attributes win."""
    data = {"type": "identify", "traits": {"plan": "gold"}, "userId": "u"}
    one = cloudevents.call({**EVENT, "data": data, "anonymousid": "a"})
    assert (one["type"], one["userId"], one["anonymousId"]) == ("identify", "u", "a")
    assert "event" not in one


def test_a_subject_may_say_what_it_is() -> None:
    """anon: and user: before it, as in the paths of our own doors."""
    assert cloudevents.call({**EVENT, "subject": "anon:x"})["anonymousId"] == "x"
    assert cloudevents.call({**EVENT, "subject": "user:x"})["userId"] == "x"


def test_source_and_id_together_name_the_message() -> None:
    """The same id from another source is another event."""
    ids = {cloudevents.call({**EVENT, "source": source})["messageId"] for source in ("/a", "/b", "/a")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": ""}, "missing_attribute"),
        ({"type": None}, "missing_attribute"),
        ({"specversion": "0.3"}, "unknown_version"),
        ({"data_base64": "!"}, "malformed_base64"),
        ({"data_base64": "AAAA", "datacontenttype": "image/png"}, "unknown_content"),
    ],
)
def test_what_is_no_event_is_named(change: dict[str, Any], code: str) -> None:
    """A stable code for each way of being wrong."""
    with pytest.raises(Rejected) as caught:
        cloudevents.call({**EVENT, **change})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"application/cloudevents-batch+json", b"{}"),
        (b"application/cloudevents+avro", b""),
        (b"application/json", b"{}"),
        (b"application/cloudevents+json", b"{"),
    ],
)
def test_requests_without_events_are_refused(kind: bytes, body: bytes) -> None:
    """Neither headers nor a content type of CloudEvents, or not the JSON format."""
    with pytest.raises(Rejected):
        cloudevents.received({b"content-type": kind}, body)
