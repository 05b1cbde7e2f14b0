"""Deliveries at the doors: for the secret key alone."""

from __future__ import annotations

import pytest

from tests.server.asgi import Client

DOORS = [
    ("GET", "/v1/deliveries"),
    ("POST", "/v1/deliveries/replay"),
    ("POST", "/v1/deliveries/outcomes"),
    ("POST", "/v1/deliveries/preview"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_only_the_secret_key_opens_them(browser: Client, method: str, path: str) -> None:
    """What is sent to whom is the business's own."""
    assert (await browser(method, path, {"trigger": "hello", "person": "a"})).status == 403


async def test_a_dead_letter_is_listed_and_sent_again(backend: Client) -> None:
    """The list tells its status; sent again, it is a dead letter no more, and asking twice does nothing."""
    listed = await backend("GET", "/v1/deliveries?status=dead")
    assert [d["deliveryId"] for d in listed.json["deliveries"]] == ["dlv_1"]
    again = await backend("POST", "/v1/deliveries/replay", {"destination": "crm"})
    assert again.json == {"replayed": ["dlv_1"]}
    assert (await backend("POST", "/v1/deliveries/replay", {})).json == {"replayed": []}
    assert (await backend("GET", "/v1/deliveries?status=dead")).json == {"deliveries": [], "cursor": None}


async def test_what_is_wrong_is_said(backend: Client) -> None:
    """An unknown status or trigger is refused with what there is."""
    wrong = await backend("GET", "/v1/deliveries?status=lost")
    assert (wrong.status, wrong.json["code"]) == (400, "bad_status")
    nobody = await backend("POST", "/v1/deliveries/preview", {"trigger": "bye", "person": "ana"})
    assert (nobody.status, nobody.json["code"]) == (404, "nothing_to_preview")


async def test_what_became_of_deliveries_is_told(backend: Client) -> None:
    """Ids that no delivery has come back; what can't become of one, and too much at once, is refused."""
    said = [{"deliveryId": id, "what": "opened"} for id in ("dlv_1", "dlv_2")]
    assert (await backend("POST", "/v1/deliveries/outcomes", {"outcomes": said})).json == {"unknown": ["dlv_2"]}
    wrong = await backend("POST", "/v1/deliveries/outcomes", {"outcomes": [{"deliveryId": "dlv_1", "what": "lost"}]})
    assert (wrong.status, wrong.json["code"]) == (400, "bad_request")
    many = await backend("POST", "/v1/deliveries/outcomes", {"outcomes": said[:1] * 501})
    assert (many.status, many.json["code"]) == (400, "too_many")
