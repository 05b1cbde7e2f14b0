"""``GET /v1/nearby``: what is near, the way there, and whether it is open on arrival."""

from __future__ import annotations

import pytest

from tests.retrieve.shop import ms
from tests.server.asgi import Client
from tests.server.fake import FakeService

PLACE = {"kind": "place", "category": "cafe", "timezone": "Europe/Helsinki"}
ITEMS = [
    {**PLACE, "id": "near", "title": "Near", "location": [60.1705, 24.9410], "hours": "Mo-Su 08:00-20:00"},
    {**PLACE, "id": "shut", "title": "Shut", "location": [60.1702, 24.9402], "hours": "Mo-Su 18:00-02:00"},
    {**PLACE, "id": "far", "title": "Far", "location": [60.2300, 24.9400], "hours": "Mo-Su 08:00-12:40"},
    {**PLACE, "id": "shop", "title": "Shop", "location": [60.1710, 24.9420], "category": "shoes"},
    {"id": "deal", "kind": "offer", "title": "Deal", "location": [60.17, 24.94], "condition": {"country": "FI"}},
]
HERE = "/v1/nearby?lat=60.17&lon=24.94"


@pytest.fixture
async def town(backend: Client, browser: Client, service: FakeService) -> Client:
    """A browser in a town at noon."""
    service.now = ms("2024-05-06T12:00+03:00")
    assert (await backend("PUT", "/v1/items", ITEMS)).json["accepted"] == len(ITEMS)
    return browser


async def test_nearest_first_with_the_way(town: Client) -> None:
    """Places by distance, how long the walk is, and until when they are open."""
    items = (await town("GET", HERE)).json["items"]
    assert [item["id"] for item in items] == ["shut", "near", "shop", "far"]
    near = items[1]
    assert (near["open"], near["way"]) == (True, "1 min walk, open until 20:00")
    assert near["closesAt"] == ms("2024-05-06T20:00+03:00")
    assert not items[0]["open"]


async def test_open_on_arrival_depends_on_the_way_of_going(town: Client) -> None:
    """What closes in forty minutes is open for who drives and not for who walks."""
    on_foot = (await town("GET", f"{HERE}&open=1&category=cafe")).json["items"]
    by_car = (await town("GET", f"{HERE}&open=1&category=cafe&mode=car")).json["items"]
    assert [item["id"] for item in on_foot] == ["near"]
    assert [item["id"] for item in by_car] == ["near", "far"]
    assert "min drive" in by_car[1]["way"]
    assert by_car[1]["seconds"] == pytest.approx(6670 * 1.4 / 7.5 + 240, rel=0.01)


async def test_bounds_and_what_is_for_some_only(town: Client) -> None:
    """The farthest and the number are bounded, and what has a condition isn't shown."""
    assert [i["id"] for i in (await town("GET", f"{HERE}&max_metres=100&limit=5")).json["items"]] == ["shut", "near"]
    assert len((await town("GET", f"{HERE}&limit=1")).json["items"]) == 1
    assert (await town("GET", f"{HERE}&kind=offer")).json["items"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/nearby", "bad_position"),
        ("/v1/nearby?lat=91&lon=0", "bad_position"),
        ("/v1/nearby?lat=nan&lon=0", "bad_position"),
        (f"{HERE}&mode=boat", "bad_mode"),
        (f"{HERE}&kind=thing", "bad_kind"),
        (f"{HERE}&open=yes", "bad_open"),
        (f"{HERE}&max_metres=0", "bad_max_metres"),
        (f"{HERE}&radius=5", "unknown_parameter"),
    ],
)
async def test_wrong_questions_are_told(town: Client, path: str, code: str) -> None:
    """What can't be asked is a problem with a stable code."""
    answer = await town("GET", path)
    assert (answer.status, answer.json["code"]) == (400, code)
