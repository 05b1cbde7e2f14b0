"""The dashboard in a real browser before a real server: every view, its numbers, its doors, and who may look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.looking import at, number, sign_in, watched
from tests.browser.shop import Shop, shop
from tests.browser.site import in_chromium
from tests.server.asgi import SECRET_KEY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
pytestmark = [*in_chromium, pytest.mark.timeout(300)]
VIEWS = (
    "today",
    "scorecards",
    "missed",
    "journeys",
    "behind",
    "needs",
    "unmet",
    "pain",
    "preferences",
    "items",
    "draft",
    "decisions",
    "experiments",
    "people",
    "catalogue",
    "control",
    "deliveries",
    "health",
    "reports",
    "audit",
)


def test_nothing_is_shown_before_the_key(browser: Browser, busy: Shop, troubles: list[str]) -> None:
    """A wrong key is refused in words; the right one opens, survives a reload, and is in no script's reach."""
    context = browser.new_context()
    page = watched(context, troubles)
    page.goto(f"{busy.url}/#/scorecards")
    page.wait_for_selector("#key:not([hidden])")
    assert not page.locator("#nav").is_visible()
    page.fill("#key-input", "wrong")
    page.click("#key-form button")
    page.get_by_text("That is not a secret key of this server.").wait_for()
    page.fill("#key-input", SECRET_KEY)
    page.click("#key-form button")
    page.wait_for_selector("#view[data-ready]", timeout=60_000)
    page.reload()
    page.wait_for_selector("#view[data-ready]", timeout=60_000)
    seen = page.evaluate("[document.cookie, JSON.stringify({...localStorage, ...sessionStorage})].join()")
    assert SECRET_KEY not in seen
    assert "micromoments=" not in seen
    page.click("#sign-out")
    page.wait_for_selector("#key:not([hidden])")
    context.close()
    assert troubles == []


def test_every_view_draws_without_a_complaint(page: Page, busy: Shop, troubles: list[str]) -> None:
    """Each has a heading, no error, nothing left loading, and the keyboard's focus on its heading."""
    for view in VIEWS:
        at(page, busy, view)
        assert page.locator("#view h1").count() == 1
        assert page.locator("#view .wrong[role=alert]").all_inner_texts() in ([], [""]), view
        assert page.locator("#view .loading").count() == 0
        assert page.evaluate("document.activeElement.tagName") == "H1", view
        assert page.locator("#nav a[aria-current]").count() == (0 if view == "behind" else 1)
        of_facts = "#view section:not([aria-label='The server now']) > .figures b"
        unlinked = page.locator(f"{of_facts}:not(:has(a, button))").all_inner_texts()
        assert set(unlinked) <= {"–"}, view  # behind a number that there isn't is nothing
    assert troubles == []


def test_the_scorecards_say_what_the_report_says(page: Page, busy: Shop) -> None:
    """Headline, counts and anchored figure are the report's; a filter goes into the address and changes them."""
    at(page, busy, "scorecards?range=all")
    there = busy.figure("scorecards", "be_there")
    assert number(page, "[data-figure=be_there]") == f"{100 * there['value']:.0f} %"
    assert f"{there['count']} of {there['of']}" in page.locator("[data-card=be_there] .says").inner_text()
    anchored = busy.figure("scorecards", "goals_preceded")
    assert f"{anchored['count']} of {anchored['of']}" in page.locator("[data-card=be_there] .anchor").inner_text()
    page.get_by_role("combobox", name="Moments").select_option("buy")
    page.wait_for_selector("#view[data-ready*='type=buy']", timeout=60_000)
    buys = busy.figure("scorecards?segment=type:buy", "be_there")
    assert f"{buys['count']} of {buys['of']}" in page.locator("[data-card=be_there] .says").inner_text()
    assert 0 < buys["of"] < there["of"]


def test_behind_a_number_are_as_many_moments(page: Page, busy: Shop) -> None:
    """A click on a number lists the moments that it counts; from there a receipt is one click away."""
    at(page, busy, "scorecards?range=all")
    page.click("[data-figure=be_there]")
    page.wait_for_selector("#view[data-view=behind][data-ready]")
    count = busy.figure("scorecards", "be_there")["count"]
    assert page.locator("section[aria-label^='Moments'] tbody tr").count() == count
    assert f"{count} in all" in page.locator("section[aria-label^='Moments'] h2").inner_text()
    page.locator("section[aria-label^='Moments'] tbody a").first.click()
    page.wait_for_selector("#view[data-view=decision][data-ready]")
    assert page.locator(".timeline .decided").count() == 1


def test_a_missed_moment_has_a_cause_to_open(page: Page, busy: Shop) -> None:
    """Share and causes are the report's; a cause leads to as many moments as it counts, and the address keeps it."""
    at(page, busy, "missed?range=all")
    share = busy.figure("missed", "missed")
    assert f"{share['count']} of {share['of']}" in page.locator("[data-figure=missed] ~ small").inner_text()
    counts: dict[str, int] = {}
    for row in busy.ask("/v1/reports/missed")["rows"]:
        counts[row["cause"]] = counts.get(row["cause"], 0) + row["count"]
    counts.pop("not recognised", None)
    cause, count = max(counts.items(), key=lambda one: one[1])
    page.locator("section[aria-label=Why] > .scroll td a", has_text=cause).first.click()
    page.wait_for_selector("#view[data-view=behind][data-ready]")
    assert f"cause={cause.replace(' ', '+')}" in page.url
    assert page.locator("section[aria-label^='Moments'] tbody tr").count() == count
    page.reload()
    page.wait_for_selector("#view[data-view=behind][data-ready]", timeout=60_000)
    assert page.locator("section[aria-label^='Moments'] tbody tr").count() == count


def test_journeys_are_drawn_and_can_be_followed(page: Page, busy: Shop) -> None:
    """Every moment of the diagram is a button for the keyboard; the table beside it has every step of the report."""
    at(page, busy, "journeys?range=all")
    links = [row for row in busy.ask("/v1/reports/journeys")["rows"] if row["of"] == "link"]
    assert links
    page.get_by_text("As a table").click()
    assert page.locator("figure .take tbody tr").count() == len(links)
    node = page.locator(".sankey .node").first
    assert page.locator(".sankey .flow").count() == len(links)
    node.press("Enter")
    assert node.get_attribute("aria-pressed") == "true"
    assert page.locator(".sankey .flow.followed").count() > 0
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save journeys as PNG").click()
    assert Path(saved.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_an_unmet_need_becomes_a_draft(page: Page, busy: Shop) -> None:
    """From the need one click drafts; the rule is checked against the settings in force, a mistake is named with what
    was wanted, and the catalogue opens with the item filled in.
    """
    at(page, busy, "unmet?range=all")
    (row,) = [r for r in busy.ask("/v1/reports/worth")["rows"] if r["need"] == "oat milk"]
    cells = page.locator("section[aria-label^='By what'] tbody tr", has_text="oat milk").locator("td")
    assert [cells.nth(n).inner_text() for n in (2, 3)] == [str(row["people"]), str(row["moments"])]
    page.get_by_role("link", name="Draft for oat milk").first.click()
    page.wait_for_selector("#view[data-view=draft][data-ready]")
    for name in ("A rule", "An experiment"):
        page.locator(f"section[aria-label='{name}']").get_by_text("Valid with the settings in force").wait_for()
    rule = page.locator("section[aria-label='A rule']")
    area = rule.get_by_label("A rule as TOML")
    area.fill(area.input_value().replace('"boost"', '"bost"'))
    rule.get_by_role("button", name="Check it").click()
    rule.get_by_text("bost").wait_for()
    page.get_by_role("link", name="Open it in the catalogue").click()
    page.wait_for_selector("#view[data-view=catalogue][data-ready]")
    assert '"title": "oat milk"' in page.get_by_label("The item as JSON").input_value()


def test_pain_points_are_the_reports(page: Page, busy: Shop) -> None:
    """Words searched in vain, and again and again, with their people."""
    at(page, busy, "pain?range=all")
    rows = busy.ask("/v1/reports/pain")["rows"]
    for of, panel in (("search", "Searched in vain"), ("again", "Tried again and again")):
        (row,) = [r for r in rows if r["of"] == of and r["need"] == "buy oat milk online"]
        shown = page.locator(f"section[aria-label='{panel}'] > .scroll tbody tr", has_text=row["need"])
        assert shown.locator("td").nth(1).inner_text() == str(row["people"])


def test_a_receipt_shows_the_whole_funnel(page: Page, busy: Shop) -> None:
    """Considered, refused, scored and chosen are those of the explained decision; wrong is told to the server."""
    listed = [r for r in busy.ask("/v1/reports/behind")["rows"] if r["of"] == "decision" and r["type"] == "buy"]
    explained = busy.ask(f"/v1/decisions/{listed[0]['id']}")
    at(page, busy, f"decision?id={listed[0]['id']}")
    for step, n in {
        "considered": explained["considered"],
        "refused": len(explained["refused"]),
        "scored": len(explained["scored"]),
        "chosen": len(explained["items"]),
    }.items():
        assert number(page, f"[data-step={step}]") == str(n)
    assert page.locator(".timeline li").count() >= 3
    assert explained["key"].partition(":")[2] not in page.locator("#view").inner_text()
    page.get_by_text("This moment was wrong").click()
    page.get_by_role("button", name="wants to know").click()
    page.get_by_text("Noted: the moment was wrong").wait_for()
    events = busy.ask(f"/v1/people/{explained['key']}/export")["events"]
    corrected = next(e["event"] for e in events if e["event"]["event"] == "Moment Corrected")
    assert corrected["properties"]["correct_type"] == "know"


def test_a_chart_can_be_taken_along(page: Page, busy: Shop) -> None:
    """As CSV with the report's rows, as a PNG that is a picture, and as a table beside it."""
    at(page, busy, "decisions?range=all")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save refusals as CSV").click()
    refusals = [r for r in busy.ask("/v1/reports/decisions")["rows"] if r["of"] == "refusals"]
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines == ["code,count", *(f"{r['code']},{r['count']}" for r in refusals)]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save refusals as PNG").click()
    picture = Path(saved.value.path()).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(picture) > 2000


def test_people_are_masked_and_looks_are_logged(page: Page, busy: Shop) -> None:
    """Words and ids show only when asked for; the look stands in the audit log under the name signed in with."""
    at(page, busy, "people?id=anon:visitor-0005")
    shown = page.locator("#view .panel").first.inner_text()
    assert "visi…" in shown
    assert "visitor-0005" not in shown
    assert "trail running shoes" not in page.locator("#view").inner_text()
    page.get_by_role("button", name="Show words and ids").click()
    page.get_by_text("trail running shoes").first.wait_for()
    page.get_by_role("button", name="Show one time line").click()
    page.wait_for_selector("section[aria-label^='One time line'] tbody tr")
    at(page, busy, "audit?person=anon:visitor-0005")
    text = page.locator("#view").inner_text()
    assert "person's moments looked at" in text
    assert "Mo (dashboard)" in text
    assert "visitor-0005" not in text


def test_erasing_asks_twice_and_forgets(page: Page, busy: Shop) -> None:
    """The button waits for the first letters of the id; afterwards nothing is held."""
    at(page, busy, "people?id=anon:visitor-0007")
    page.get_by_role("button", name="Erase").click()
    assert page.get_by_role("button", name="Erase them").is_disabled()
    page.get_by_label("Type visi to confirm").fill("visi")
    page.get_by_role("button", name="Erase them").click()
    page.get_by_text("Erased: ").wait_for()
    assert busy.ask("/v1/people/anon:visitor-0007/moments?history=1")["moments"] == []


def test_the_catalogue_takes_a_file_and_an_edit(page: Page, busy: Shop, tmp_path: Path) -> None:
    """A CSV with prices, quotes and own columns becomes items; an item is edited and found; a preview serves."""
    file = tmp_path / "feed.csv"
    file.write_text(
        'id,kind,title,price,currency,tags,season\ncsv1,product,"Socks, ""warm""",12.50,EUR,wool|red,winter\n'
    )
    at(page, busy, "catalogue")
    page.set_input_files("#feed-file", file)
    page.get_by_role("button", name="Put them").click()
    page.wait_for_selector("button.as-link:text-is('csv1')")
    item = busy.ask("/v1/items/csv1")
    assert (item["title"], item["price"]) == ('Socks, "warm"', {"amount": 1250, "currency": "EUR"})
    assert (item["tags"], item["attributes"]) == (["wool", "red"], {"season": "winter"})
    page.click("button.as-link:text-is('csv1')")
    area = page.get_by_label("The item as JSON")
    area.wait_for()
    area.fill(area.input_value().replace("Socks", "Long socks"))
    page.get_by_role("button", name="Put it").click()
    page.get_by_text("is put, and found at once").wait_for()
    assert busy.ask("/v1/items/csv1")["title"] == 'Long socks, "warm"'
    page.fill("#try-preview [name=query]", "buy trail running shoes")
    page.get_by_role("button", name="What would they get?").click()
    page.wait_for_selector("#try-preview .chosen li")
    assert page.locator("#try-preview [data-step=chosen]").inner_text() != "0"
    busy.ask("/v1/items/csv1", method="DELETE")


def test_a_switch_stops_a_slot(page: Page, busy: Shop) -> None:
    """Off asks first, is in force when it shows, and on again brings it back."""
    at(page, busy, "control")
    row = page.locator("section[aria-label=Slots] tbody tr", has_text="home")
    row.get_by_role("button", name="Off").click()
    page.get_by_role("button", name="Switch it off").click()
    row.get_by_text("off by hand").wait_for()
    assert busy.ask("/v1/switch")["off"] == ["home"]
    row.get_by_role("button", name="On again").click()
    row.get_by_text("live").wait_for()
    assert busy.ask("/v1/switch")["off"] == []


def test_health_counts_what_the_server_counts(page: Page, busy: Shop) -> None:
    """Events by name are the quality report's."""
    at(page, busy, "health?range=all")
    events = busy.figure("quality", "events")["count"]
    assert f"{events:,}" in page.locator("section[aria-label='Data quality'] .figures").inner_text()
    assert "yes" in page.locator("section[aria-label='The server now']").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, busy: Shop, troubles: list[str], scheme: Any) -> None:
    """No view has an accessibility fault that axe calls serious or critical, light or dark."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    page = watched(context, troubles)
    page.goto(busy.url)
    page.wait_for_selector("#key:not([hidden])")
    axe = Axe()
    found: list[tuple[str, str, str]] = []
    made = next(r["id"] for r in busy.ask("/v1/reports/behind")["rows"] if r["of"] == "decision")

    def look(name: str) -> None:
        faults = [f for f in axe.run(page).response["violations"] if f["impact"] in ("serious", "critical")]
        found.extend((name, fault["id"], fault["nodes"][0]["html"][:160]) for fault in faults)

    look("sign-in")
    sign_in(page, busy)
    look("live")
    for view in (*VIEWS, f"decision?id={made}", "people?id=anon:visitor-0005", "catalogue?draft=wool%20socks"):
        at(page, busy, view)
        look(view)
    context.close()
    assert found == []


@pytest.mark.parametrize("width", [360, 1920])
def test_no_view_runs_over_the_edge(browser: Browser, busy: Shop, troubles: list[str], width: int) -> None:
    """From a small phone to a wide screen no view scrolls sideways, with all that unfolds unfolded."""
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = watched(context, troubles)
    sign_in(page, busy)
    for view in (*VIEWS, "people?id=anon:visitor-0005"):
        at(page, busy, view)
        page.evaluate("document.querySelectorAll('#view details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
    context.close()


def test_an_empty_server_says_what_to_do(browser: Browser, tmp_path: Path, troubles: list[str]) -> None:
    """Without keys and without an event every view still draws, and says that nothing is there yet."""
    context = browser.new_context()
    page = watched(context, troubles)
    with shop(tmp_path / "shop", keys=False, people=0) as found:
        for view in VIEWS:
            at(page, found, view)
        at(page, found, "scorecards")
        assert "Nothing was sent yet" in page.locator("#view").inner_text()
        assert not page.locator("#key").is_visible()
        context.close()
    assert troubles == []


def test_the_first_load_is_small(browser: Browser, busy: Shop, troubles: list[str]) -> None:
    """What a first visit fetches, sign-in to drawn scorecards, is under 300 KB, and all from this server."""
    context = browser.new_context()
    page = watched(context, troubles)
    sizes: list[int] = []
    elsewhere: list[str] = []
    page.on(
        "response", lambda r: sizes.append(len(r.body())) if "/v1/stream" not in r.url and r.status == 200 else None
    )
    page.on("request", lambda r: None if r.url.startswith((busy.url, "data:")) else elsewhere.append(r.url))
    page.goto(f"{busy.url}/#/scorecards")
    page.fill("#key-input", SECRET_KEY)
    page.click("#key-form button")
    page.wait_for_selector("#view[data-view=scorecards][data-ready]", timeout=60_000)
    assert 20_000 < sum(sizes) < 300_000
    assert elsewhere == []
    context.close()
