"""The news of a moment in the bodies that other tools take, against shapes that we wrote from their references;
the tools themselves were not asked.
"""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from micromoments.channels.shapes import shaped
from micromoments.core.delivery import Delivery
from micromoments.testing.generators import delivery

RECORDED = Path(__file__).parent / "recorded"


def told(*, user: bool = True, ended: str = "") -> Delivery:
    """A delivery of a moment that opened, or ended."""
    moment = {"id": "m1", "type": "buy", "confidence": 0.9, "need": {"query": "trail shoes"}, "ended": ended or None}
    news = {
        "type": f"moment.{'ended' if ended else 'opened'}",
        "timestamp": "2026-03-01T10:00:00.000Z",
        "data": {
            "deliveryId": "dlv_0001",
            "trigger": "hello",
            "person": {"userId": "ana"} if user else {"anonymousId": "x1"},
            "moment": moment,
            "decisionId": "trg_1",
            "items": [{"id": "p1", "title": "Trail shoe"}],
        },
    }
    return replace(delivery(1, destination="crm"), data=msgspec.json.encode(news), at=1_772_359_200_000)


@pytest.mark.parametrize("name", ["segment", "braze", "klaviyo", "customerio"])
def test_a_tool_gets_its_own_shape(name: str) -> None:
    """The body is, field by field, what the tool's reference shows, with our values."""
    body, headers = shaped(name, told(), "key:secret", "micromoment")
    recorded = msgspec.json.decode((RECORDED / f"{name}.json").read_bytes())
    assert msgspec.json.decode(body) == recorded["body"]
    assert headers.items() >= {"content-type": "application/json", **recorded["headers"]}.items()


@pytest.mark.parametrize("name", ["segment", "braze", "klaviyo", "customerio"])
def test_every_tool_gets_the_same_bytes_again(name: str) -> None:
    """A second try can't be taken for other news."""
    assert shaped(name, told(), "k", "micromoment") == shaped(name, told(), "k", "micromoment")


def test_an_ended_moment_takes_the_attribute_back() -> None:
    """What was set while the moment was open is set to nothing when it ends."""
    found: dict[str, Any] = {
        name: msgspec.json.decode(shaped(name, told(ended="abandoned"), "k", "intent")[0])
        for name in ("segment", "braze", "klaviyo", "customerio")
    }
    assert found["segment"]["batch"][0]["traits"] == {"intent": None}
    assert found["braze"]["attributes"] == [{"external_id": "ana", "intent": None}]
    profile = found["klaviyo"]["data"]["attributes"]["profile"]["data"]["attributes"]
    assert profile["properties"] == {"intent": None}
    assert found["customerio"]["batch"][0]["attributes"] == {"intent": ""}


def test_an_anonymous_person_is_named_as_such() -> None:
    """Braze knows them by an alias, which may be a new one, Klaviyo and Segment by their anonymous id."""
    braze = msgspec.json.decode(shaped("braze", told(user=False), "k", "intent")[0])
    assert braze["events"][0]["user_alias"] == {"alias_name": "x1", "alias_label": "anonymous_id"}
    assert braze["attributes"][0]["_update_existing_only"] is False
    klaviyo = msgspec.json.decode(shaped("klaviyo", told(user=False), "k", "intent")[0])
    profile = klaviyo["data"]["attributes"]["profile"]["data"]["attributes"]
    assert (profile["anonymous_id"], "external_id" in profile) == ("x1", False)
    segment = msgspec.json.decode(shaped("segment", told(user=False), "k", "intent")[0])
    assert segment["batch"][1]["anonymousId"] == "x1"


def test_segment_s_key_goes_as_its_api_wants_it() -> None:
    """The write key is the user of Basic authentication, with no password."""
    _, headers = shaped("segment", told(), "wk", "intent")
    assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"wk:"
