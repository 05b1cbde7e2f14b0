"""A Kafka message is one call, several, or a CloudEvent; what can't be read is none."""

from __future__ import annotations

import json

import pytest

from micromoments.sources.kafka import calls

CART = {"type": "track", "event": "Cart Viewed", "userId": "ana"}


def test_a_call_keeps_its_id_or_gets_one_from_its_place() -> None:
    """Read twice, a message gives the same ids."""
    assert calls("t/0/7", json.dumps({**CART, "messageId": "m"}).encode())[0]["messageId"] == "m"
    assert calls("t/0/7", json.dumps(CART).encode()) == [{**CART, "messageId": "t/0/7"}]


def test_a_place_in_a_topic_of_a_long_name_is_an_id_too() -> None:
    """No id is longer than ids may be, and two places have two."""
    place = f"{'a-team.' * 20}events/11/1234567890"
    ids = [calls(f"{place}{n}", json.dumps(CART).encode())[0]["messageId"] for n in "001"]
    assert ids[0] == ids[1] != ids[2]
    assert max(map(len, ids)) <= 100


@pytest.mark.parametrize("several", [{"batch": [CART, CART]}, [CART, CART]])
def test_several_calls_get_an_id_each(several: object) -> None:
    """A batch and an array are alike."""
    assert [one["messageId"] for one in calls("t/0/7", json.dumps(several).encode())] == ["t/0/7/0", "t/0/7/1"]


def test_a_cloud_event_is_a_call() -> None:
    """In the JSON format, under an id of its source and id."""
    event = {"specversion": "1.0", "id": "1", "source": "/tills", "type": "Order Completed", "subject": "ana"}
    (one,) = calls("t/0/7", json.dumps({**event, "data": {"revenue": 5}}).encode())

    assert (one["event"], one["userId"], one["properties"]) == ("Order Completed", "ana", {"revenue": 5})
    assert calls("t/0/8", json.dumps({**event, "data": {"revenue": 5}}).encode()) == [one]


@pytest.mark.parametrize("value", [b"", b"no json", b"5", b"[5]", b'{"specversion": "0.3"}', b"\xff"])
def test_what_can_t_be_read_is_none(value: bytes) -> None:
    """Nothing is made up of it."""
    assert calls("t/0/7", value) == []


def test_a_message_is_in_the_trace_that_its_header_names() -> None:
    """Each call of a message has its ``traceparent``, but one that names a trace itself keeps that."""
    value = b'{"batch": [{"type": "track", "userId": "ana"}, {"userId": "bo", "context": {"traceparent": "mine"}}]}'
    assert [one["context"]["traceparent"] for one in calls("t/0/7", value, "theirs")] == ["theirs", "mine"]
    assert [one.get("context") for one in calls("t/0/7", value)] == [None, {"traceparent": "mine"}]
