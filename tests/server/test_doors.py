"""The other doors: items, people, reports, settings, probes, the contract and the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from micromoments.core.settings import Settings
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.service import LogDown
from micromoments.server.shapes import ItemShape, MomentShape
from tests.server.asgi import WRITE_KEY, Client
from tests.server.fake import FakeService

SHOE: dict[str, Any] = {
    "id": "p1",
    "kind": "product",
    "title": "Trail shoe",
    "price": {"amount": 8900, "currency": "EUR"},
    "location": {"lat": 52.5, "lon": 13.4},
    "validFrom": 1_700_000_000_000,
    "attributes": {"steps": [1, {"a": None}]},
}


async def test_items_as_array_as_lines_and_as_one(backend: Client) -> None:
    """The catalogue takes a JSON array, JSON lines, or one object, and shows items as they were put."""
    lines = b"\n".join(msgspec.json.encode({**SHOE, "id": id}) for id in ("p2", "p3")) + b"\n"
    for body, count in (([SHOE], 1), (lines, 2), ({**SHOE, "id": "p4"}, 1)):
        assert (await backend("PUT", "/v1/items", body)).json == {"accepted": count, "rejected": []}
    assert (await backend("GET", "/v1/items/p1")).json == SHOE
    assert (await backend("GET", "/v1/items/none")).status == 404


async def test_a_line_that_is_no_json_is_named(backend: Client) -> None:
    """Of many lines the one that can't be read is told by its number."""
    answer = await backend("PUT", "/v1/items", b'{"id": "p1", "kind": "product"}\n\n{"id": "p2"\n')
    assert (answer.status, "line 3: " in answer.json["detail"]) == (400, True)


async def test_items_in_the_core_shape_are_taken_too(backend: Client) -> None:
    """Pairs for price and place, RFC 3339 for instants."""
    item = {**SHOE, "price": [8900, "EUR"], "location": [52.5, 13.4], "validFrom": "2023-11-14T22:13:20Z"}
    assert (await backend("PUT", "/v1/items/p1", item)).json == SHOE


async def test_bad_items_are_named_and_the_others_put(backend: Client, service: FakeService) -> None:
    """One misspelt field doesn't cost the rest, and is not lost in silence."""
    bad: list[tuple[Any, str]] = [
        ({**SHOE, "titel": "x"}, "unknown_field"),
        ({**SHOE, "kind": "thing"}, "invalid_item"),
        ({**SHOE, "title": ""}, "bad_title"),
        ({**SHOE, "id": ""}, "bad_id"),
        ({**SHOE, "price": {"amount": 1}}, "invalid_item"),
        ({**SHOE, "price": [1, "EURO"]}, "bad_price"),
        ({**SHOE, "location": [91, 0]}, "invalid_item"),
        ({**SHOE, "validUntil": "tomorrow"}, "invalid_item"),
        ({**SHOE, "validUntil": "2026-01-01T00:00:00"}, "invalid_item"),
        ({**SHOE, "hours": "whenever we like"}, "bad_hours"),
        (7, "not_an_object"),
    ]
    answer = await backend("PUT", "/v1/items", [*(item for item, _ in bad), {**SHOE, "id": "good"}])
    assert answer.json["accepted"] == 1
    assert [r["code"] for r in answer.json["rejected"]] == [code for _, code in bad]
    assert list(service.shelf.kept) == ["good"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b'{"id":"a"}\n{', b"\xff"])
async def test_items_that_are_no_json(backend: Client, body: bytes) -> None:
    """Broken bodies change nothing."""
    answer = await backend("PUT", "/v1/items", body)
    assert answer.status in (200, 400)
    assert answer.status == 400 or answer.json["accepted"] == 0


async def test_patch_merges(backend: Client) -> None:
    """Named fields change, null puts one back to its default, the rest stays; one item or many."""
    await backend("PUT", "/v1/items", [{**SHOE, "stock": 3, "text": "old"}])
    answer = await backend("PATCH", "/v1/items/p1", {"text": None, "stock": 2, "attributes": {"color": "red"}})
    assert answer.json == {**SHOE, "stock": 2, "attributes": {**SHOE["attributes"], "color": "red"}}
    many = await backend("PATCH", "/v1/items", [{"id": "p1", "stock": 0}, {"id": "none", "stock": 1}])
    assert [r["code"] for r in many.json["rejected"]] == ["no_such_item"]
    assert (await backend("GET", "/v1/items/p1")).json["stock"] == 0
    assert (await backend("PATCH", "/v1/items/p1", {"id": "other"})).json["code"] == "id_mismatch"


async def test_list_goes_on_by_cursor(backend: Client) -> None:
    """All items come once, whatever the page's size."""
    await backend("PUT", "/v1/items", [{**SHOE, "id": f"p{i}"} for i in range(7)])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await backend("GET", f"/v1/items?limit=3{cursor and '&cursor=' + cursor}")).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
    assert seen == [f"p{i}" for i in range(7)]
    for query in ("limit=0", "limit=x", "limit=9999", "cursor=%FF"):
        assert (await backend("GET", f"/v1/items?{query}")).status == 400


async def test_delete_is_harmless_twice(backend: Client, service: FakeService) -> None:
    """Gone is gone; asking again is no error."""
    await backend("PUT", "/v1/items", [SHOE, {**SHOE, "id": "p2"}, {**SHOE, "id": "p3"}])
    for _ in range(2):
        assert (await backend("DELETE", "/v1/items/p1")).status == 204
    assert (await backend("DELETE", "/v1/items", ["p2", {"id": "p3"}])).json == {"deleted": 2}
    assert (await backend("DELETE", "/v1/items", [7])).status == 400
    assert service.shelf.kept == {}


async def test_moments_open_and_ended(backend: Client) -> None:
    """Open moments, and with history=1 those that ended."""
    assert [m["id"] for m in (await backend("GET", "/v1/people/ana/moments")).json["moments"]] == ["m-1"]
    both = (await backend("GET", "/v1/people/anon:a/moments?history=1")).json["moments"]
    assert [m.get("ended") for m in both] == [None, "expired"]
    assert msgspec.convert(both[0], MomentShape).type == "go"


async def test_rights_of_a_person(backend: Client, service: FakeService) -> None:
    """Export gives what is held, erasure says how much went; ids may say what they are, and hold slashes."""
    assert (await backend("GET", "/v1/people/a%2Fb/export")).json["key"] == "user:a/b"
    assert (await backend("GET", "/v1/people/stranger/export")).status == 404
    assert (await backend("DELETE", "/v1/people/anon:x")).json == {"erased": {"events": 3}}
    assert service.erased == ["anon:x"]
    for id in ("anon:", "%0A", "x" * 300):
        assert (await backend("DELETE", f"/v1/people/{id}")).status == 400


async def test_reports_parse_their_span(backend: Client) -> None:
    """Instants are RFC 3339, dates in the zone asked for, or milliseconds; half-open."""
    answer = await backend(
        "GET", "/v1/reports/lift?from=2026-11-01&to=2026-11-02T00:00:00Z&tz=Europe/Berlin&goal=order"
    )
    assert answer.json["params"] == {
        "from": "1793487600000",
        "to": "1793577600000",
        "tz": "Europe/Berlin",
        "goal": "order",
    }
    small = await backend("GET", "/v1/reports/lift?from=2026-11-01t00:00:00z&to=2026-11-02t00:00:00z")
    assert small.json["params"] == {"from": "1793491200000", "to": "1793577600000"}
    for wrong in ("0001-01-01", "1969-12-31", "-1", "1793491200000000"):
        early = (await backend("GET", f"/v1/reports/lift?from={wrong}")).json
        assert (early["code"], wrong in early["got"]) == ("bad_from", True)
    for query in ("from=yesterday", "tz=Mars/Base", "from=2026-11-02&to=2026-11-01", "by=nonsense", f"by={'x' * 300}"):
        assert (await backend("GET", f"/v1/reports/lift?{query}")).status == 400
    unknown = (await backend("GET", "/v1/reports/lift?by=nonsense")).json
    assert (unknown["code"], unknown["detail"].count("got "), unknown["detail"].count("wanted ")) == (
        "bad_report",
        1,
        1,
    )
    assert (await backend("GET", "/v1/reports/none")).json["code"] == "no_such_report"
    assert "lift" in {r["name"] for r in (await backend("GET", "/v1/reports")).json["reports"]}


async def test_settings_for_browser_sdks(anyone: Client) -> None:
    """analytics.js learns where to send; an unknown key learns nothing."""
    answer = await anyone("GET", f"/v1/projects/{WRITE_KEY}/settings")
    assert answer.json["integrations"]["Segment.io"]["apiHost"] == "localhost:8000/v1"
    assert (await anyone("GET", "/v1/projects/none/settings")).status == 404


async def test_probes(anyone: Client, app: App, service: FakeService) -> None:
    """Alive always; ready once it takes traffic and until it drains, but for as long as the log can't be written."""
    assert (await anyone("GET", "/healthz")).status == 200
    assert (await anyone("GET", "/readyz")).status == 200
    service.ready = False
    assert (await anyone("GET", "/readyz")).json["code"] == "not_ready"
    service.ready = True
    service.down.hear(LogDown("the log can't be written (the disk is full)"))
    down = await anyone("GET", "/readyz")
    assert (down.status, down.json["code"]) == (503, "log_unavailable")
    assert "micromoments_ready 0.0" in (await anyone("GET", "/metrics")).body.decode()
    service.down.hear(None)
    assert (await anyone("GET", "/readyz")).status == 200
    assert "micromoments_ready 1.0" in (await anyone("GET", "/metrics")).body.decode()
    app.drain()
    assert (await anyone("GET", "/readyz")).status == 503


async def test_metrics_count_what_happened(browser: Client, backend: Client) -> None:
    """A scraper on this machine, or one with the secret key, reads the engine's and the doors' figures."""
    await browser("POST", "/v1/track", {"event": "A", "userId": "u"})
    await browser("POST", "/v1/track", b"{")
    await browser("POST", "/v1/decide", {"anonymousId": "a", "slot": "home"})
    text = (await browser("GET", "/metrics")).body.decode()
    assert "micromoments_events_accepted_total 1.0" in text
    assert 'micromoments_collect_refused_total{code="malformed_json"} 1.0' in text
    assert "micromoments_decide_seconds_count 1.0" in text
    assert 'micromoments_guard_share{slot="home"} 0.1' in text
    away = ("10.0.0.9", 1)
    assert (await browser("GET", "/metrics", client=away)).status == 403
    assert (await browser("GET", "/metrics", headers=[("x-forwarded-for", "1.1.1.1")])).status == 403
    assert (await backend("GET", "/metrics", client=away)).status == 200


async def test_contract_is_valid_and_whole(app: App, anyone: Client, root: Path) -> None:
    """OpenAPI 3.1 without a fault; every door is in it and in the reference, and nothing else is."""
    contract = (await anyone("GET", "/openapi.json")).json
    OpenAPIV31SpecValidator(contract).validate()

    def plain(path: str) -> str:
        """The path with a star for each name in braces."""
        return "/".join("*" if part.startswith("{") else part for part in path.split("/"))

    told = {(plain(path), method.upper()) for path, methods in contract["paths"].items() for method in methods}
    served = {(path, method) for path, methods in app.routes.items() for method in methods}
    assert told - {("/", "GET")} == served
    page = (root / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
    assert [path for path in contract["paths"] if f"{path}`" not in page and len(path) > 5] == []


async def test_a_public_answer_is_for_any_page(anyone: Client, service: FakeService) -> None:
    """Scripts and the contract are read from every origin, and say so once; settings that differ by origin say that."""
    nobody: list[tuple[str, str]] = []
    page = [("origin", "https://elsewhere.example")]
    for path in ("/sdk.js", "/preferences.js", "/openapi.json"):
        for headers in (nobody, page):
            answer = (await anyone("GET", path, headers=headers)).messages[0]["headers"]
            assert [value for name, value in answer if name == b"access-control-allow-origin"] == [b"*"]
    service.settings = Settings(origins=("https://shop.example",))
    client = Client(App(service, Keys([WRITE_KEY], clock=service.clock)))
    for headers in (nobody, page, [("origin", "https://shop.example")]):
        contract = (await client("GET", "/openapi.json", headers=headers)).messages[0]["headers"]
        # A browser refuses an answer that names two.
        assert [value for name, value in contract if name == b"access-control-allow-origin"] == [b"*"]
        assert (await client("GET", f"/v1/projects/{WRITE_KEY}/settings", headers=headers)).headers["vary"] == "origin"


async def test_lines_and_cursors_as_clients_have_them(backend: Client) -> None:
    """A byte order mark before the first item is no part of it; a cursor that is none of ours doesn't begin again."""
    marked = b"\xef\xbb\xbf" + msgspec.json.encode(SHOE)
    assert (await backend("PUT", "/v1/items", marked)).json["accepted"] == 1
    assert (await backend("PUT", "/v1/items", b"\xef\xbb\xbf[]")).json["accepted"] == 0
    for cursor in ("%25%25%25", "%21", "a"):
        assert (await backend("GET", f"/v1/items?cursor={cursor}")).json["code"] == "bad_cursor"


async def test_unknown_paths_are_404(anyone: Client, browser: Client) -> None:
    """A path that there isn't is a problem, and nobody's traceback."""
    for path in ("/v1", "/v1/nothing", "/v1/people", "/v1/items/a/b", "/nothing", "/../etc/passwd", "/%2e%2e/x"):
        answer = await browser("GET", path)
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await anyone("PUT", "/v1/decide")).status == 405


async def test_pages_have_a_policy_and_an_etag(anyone: Client) -> None:
    """The dashboard is served with a strict policy, and not twice to who has it."""
    page = await anyone("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    again = await anyone("GET", "/", headers=[("if-none-match", page.headers["etag"])])
    assert (again.status, again.body) == (304, b"")
    # A proxy that packs an answer makes its tag a weak one.
    weak = await anyone("GET", "/", headers=[("if-none-match", f'"x", W/{page.headers["etag"]}')])
    assert weak.status == 304
    assert (await anyone("HEAD", "/")).status == 200


async def test_more_pages_under_a_prefix(service: FakeService, tmp_path: Path) -> None:
    """A demo's pages hang under their own name; hidden files and what lies outside are not served."""
    (tmp_path / "index.html").write_text("<p>coffee</p>")
    (tmp_path / ".env").write_text("secret")
    (tmp_path / "cup.webp").write_bytes(b"RIFF")
    client = Client(App(service, Keys(clock=service.clock), pages=[("/coffee", tmp_path)]))
    assert (await client("GET", "/coffee/")).body == b"<p>coffee</p>"
    assert (await client("GET", "/coffee")).headers["location"] == "coffee/"
    assert (await client("GET", "/coffee/cup.webp")).headers["content-type"] == "image/webp"
    for path in ("/coffee/.env", "/coffee/../pages.py", "/coffee/%2e%2e/app.py"):
        assert (await client("GET", path)).status == 404


async def test_items_shape_and_core_agree() -> None:
    """The shown shape has every field of an item, under the same name."""
    from micromoments.core.item import Item

    def names(type_: type[msgspec.Struct]) -> set[str]:
        """The names on the wire."""
        return {field.encode_name for field in msgspec.structs.fields(type_)}

    assert names(ItemShape) == names(Item) - {"past"}  # earlier prices are kept by the engine alone
