"""Numbers on pages against the facts behind them, counted in plain loops; and drafts that work as they stand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from micromoments.stores.embedded.facts import query
from tests.browser.looking import at, number, sign_in, watched
from tests.browser.shop import Shop, shop
from tests.browser.site import in_chromium
from tests.server.asgi import WRITE_KEY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
pytestmark = [*in_chromium, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Path]]:
    """A shop with keys and a morning's traffic, some of it angry; and its folder."""
    folder = tmp_path_factory.mktemp("counted") / "shop"
    with shop(folder) as found:
        for n in range(12):
            angry(found, n)
        yield found, folder


@pytest.fixture
def page(browser: Browser, busy: tuple[Shop, Path]) -> Iterator[Page]:
    """A page that signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    troubles: list[str] = []
    found = watched(context, troubles)
    sign_in(found, busy[0])
    yield found
    context.close()
    assert troubles == []


def angry(shop: Shop, n: int) -> None:
    """Somebody clicks a button that does nothing, again and again, as the browser SDK tells it."""
    sent = {"type": "track", "anonymousId": f"visitor-{n:04}", "properties": {"element": "button#pay"}}
    for name in ("Rage Click", "Dead Click", "Dead Click"):
        shop.ask("/v1/track", {**sent, "event": name}, key=WRITE_KEY)


def facts(folder: Path, table: str) -> list[dict[str, Any]]:
    """The facts of a table, one by one."""
    with query(folder) as ask:
        return ask(f"SELECT * FROM {table}")


def cells(page: Page, panel: str, row: str) -> list[str]:
    """The cells of a row of a panel's own table, by its first."""
    found = page.locator(f"section[aria-label='{panel}'] > .scroll tbody tr", has_text=row).first
    return [text.replace("\u00a0", " ") for text in found.locator("td").all_inner_texts()]


def test_items_are_counted_as_in_the_facts(page: Page, busy: tuple[Shop, Path]) -> None:
    """Served, first, people, seen, clicked and goals of each item; a filter leaves its kind; behind it decisions."""
    there, folder = busy
    at(page, there, "items?range=all")
    decisions, outcomes = facts(folder, "decisions"), facts(folder, "outcomes")
    served = Counter(item for one in decisions for item in one["items"])
    first = Counter(one["items"][0] for one in decisions if one["items"])
    people = {item: len({one["surrogate"] for one in decisions if item in one["items"]}) for item in served}
    came: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in outcomes:
        came[one["item"]][one["what"]].add(one["decision"])
    assert number(page, "[data-figure=items]") == str(len(served))
    for item, n in served.items():
        by = came[item]
        seen = len(by["seen"] | by["clicked"] | by["dismissed"])
        goals = sum(one["what"] == "goal" and one["value"] >= 0 for one in outcomes if one["item"] == item)
        wanted = [n, first[item], people[item], seen, len(by["clicked"])]
        shown = cells(page, "The most served", item)
        assert shown[2:7] == [str(number) for number in wanted], item
        assert shown[9] == str(goals)
    page.get_by_role("combobox", name="Kind").select_option("guide")
    page.wait_for_selector("#view[data-ready*='only=guide']", timeout=60_000)
    assert page.locator("section[aria-label='The most served'] > .scroll tbody tr").count() == 1
    page.locator("section[aria-label='The most served'] > .scroll tbody td a").nth(1).click()
    page.wait_for_selector("#view[data-view=behind][data-ready]")
    assert page.locator("section[aria-label^='Decisions'] tbody tr").count() == min(served["g1"], 100)


def test_preferences_are_counted_as_in_the_facts(page: Page, busy: tuple[Shop, Path]) -> None:
    """What each kind of moment is about: people, moments and shares; another break-down goes into the address."""
    there, folder = busy
    at(page, there, "preferences?range=all&by=type")
    wanted = [(one, (one["category"] or one["query"]).strip().lower()) for one in facts(folder, "moments")]
    wanted = [(one, about) for one, about in wanted if about]
    assert number(page, "[data-figure=named]") == f"{100 * len(wanted) / len(facts(folder, 'moments')):.0f} %"
    moments = Counter((one["type"], about) for one, about in wanted)
    people: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one, about in wanted:
        people[one["type"], about].add(one["surrogate"])
    shared = {key for key, who in people.items() if len(who) >= 10}
    assert shared
    page.get_by_text("As a table").first.click()
    rows = page.locator("section[aria-label='Wanted more, or less, than by everybody'] .take tbody tr")
    shown = {tuple(row.locator("td").all_inner_texts()[:4]) for row in rows.all()}
    assert shown == {(kind, about, str(len(people[kind, about])), str(moments[kind, about])) for kind, about in shared}
    page.get_by_role("combobox", name="Split by").select_option("device")
    page.wait_for_selector("#view[data-ready*='by=device']", timeout=60_000)
    assert (
        "device" in page.locator("section[aria-label='Wanted more, or less, than by everybody'] th").all_text_contents()
    )


def test_needs_lead_to_what_is_behind_them(page: Page, busy: tuple[Shop, Path]) -> None:
    """A need's moments are those of the facts, on its page and behind the number; words of few people aren't told."""
    there, folder = busy
    at(page, there, "needs?range=all")
    mine = [one for one in facts(folder, "moments") if one["query"].strip().lower() == "oat milk"]
    shown = cells(page, "By need", "oat milk")
    assert shown[2:4] == [str(len({one["surrogate"] for one in mine})), str(len(mine))]
    page.locator("section[aria-label='By need'] > .scroll tr", has_text="oat milk").get_by_role("link").first.click()
    page.wait_for_selector("#view[data-view=behind][data-ready]")
    assert page.locator("section[aria-label^='Moments'] tbody tr").count() == len(mine)
    at(page, there, "behind?range=all&need=buy+oat+milk+online")
    searched = [one for one in facts(folder, "events") if one["query"] == "buy oat milk online"]
    assert page.locator("section[aria-label=Searches] tbody tr").count() == len(searched) > 0
    at(page, there, "behind?range=all&need=nobody+says+this")
    page.get_by_text("at least 10 people share").wait_for()


def test_clicks_in_anger_are_counted(page: Page, busy: tuple[Shop, Path]) -> None:
    """Events as the browser SDK names them, with the page's element where no item is named."""
    there, folder = busy
    at(page, there, "pain?range=all")
    clicks = Counter(one["name"] for one in facts(folder, "events") if one["item"] == "button#pay")
    assert clicks == {"Rage Click": 12, "Dead Click": 24}
    assert number(page, "[data-figure=angry]") == "12"
    assert number(page, "[data-figure=dead]") == "24"
    page.locator("#clicks").get_by_text("As a table").click()
    rows = [row.locator("td").all_inner_texts() for row in page.locator("#clicks .take tbody tr").all()]
    assert sorted((row[0], row[1], row[3], row[4]) for row in rows) == [
        ("in anger", "button#pay", "12", "12"),
        ("into nothing", "button#pay", "12", "24"),
    ]


BARE = """() => [...document.querySelectorAll("#view td, #view .figures b, #view dd, #view .value")].filter((cell) => {
  const measured = !cell.matches("td") || cell.matches(".num") || cell.querySelector(".cell-bar, .cell-range");
  const fact = cell.closest("tr")?.querySelector("a[href*='#/decision?']"); // its own receipt is behind it
  const noted = !cell.matches("td") && cell.closest("section")?.querySelector("a[href='metrics']"); // it counts itself
  return measured && !fact && !noted && /[1-9]/.test(cell.textContent) && !cell.querySelector("a, button");
}).map((cell) => {
  const head = cell.closest("table")?.querySelectorAll("thead th")[cell.cellIndex]?.textContent;
  return `${cell.closest("section")?.getAttribute("aria-label")}: ${head ?? ""} ${cell.textContent}`;
})"""
"""The numbers of a view that lead nowhere, of tables behind a fold too; a nought has nothing behind it."""
REPORTS = (
    "moments",
    "scorecards",
    "needs",
    "worth",
    "pain",
    "preferences",
    "items",
    "journeys",
    "decisions",
    "quality",
)
ASKED = (
    *(
        "today",
        "scorecards",
        "missed",
        "journeys",
        "needs",
        "unmet",
        "pain",
        "preferences",
        "items",
        "decisions",
        "experiments",
    ),
    *("control", "health", *(f"reports?name={name}" for name in REPORTS)),
)


def test_every_number_leads_to_what_is_behind_it(page: Page, busy: tuple[Shop, Path]) -> None:
    """In every view that counts there is no number without a link, and where a link leads to, rows are listed."""
    there, _ = busy
    bare = {}
    for view in ASKED:
        at(page, there, f"{view}{'&' if '?' in view else '?'}range=all")
        if found := page.evaluate(BARE):
            bare[view] = found
    assert bare == {}
    at(page, there, "needs?range=all")
    page.locator("section[aria-label='By need'] > .scroll td:nth-child(5) a").first.click()
    page.wait_for_selector("#view[data-view=behind][data-ready*='served']", timeout=60_000)
    assert set(page.locator("section[aria-label^='Moments'] tbody td:nth-child(7)").all_inner_texts()) == {"yes"}


def test_a_drafted_experiment_concerns_its_need_alone(browser: Browser, tmp_path: Path) -> None:
    """Put at the end of the settings as it stands, rule and experiment are in force, for people with that need only."""
    folder = tmp_path / "shop"
    with shop(folder) as there:
        context = browser.new_context()
        page = watched(context, [])
        sign_in(page, there)
        at(page, there, "unmet?range=all")
        page.get_by_role("link", name="Draft for oat milk").first.click()
        page.wait_for_selector("#view[data-view=draft][data-ready]")
        drafts = [page.get_by_label(f"{name} as TOML").input_value() for name in ("A rule", "An experiment")]
        context.close()
        settings = folder / "micromoments.toml"
        settings.write_text("\n\n".join([settings.read_text(encoding="utf-8"), *drafts]), encoding="utf-8")
        there.ask("/v1/config/reload", {})
        named = {words: experiments(there, words) for words in ("buy oat milk online", "buy trail running shoes")}
    assert named["buy oat milk online"] == {"oat-milk"}
    assert named["buy trail running shoes"] == set()


def experiments(shop: Shop, words: str) -> set[str]:
    """The experiments that people who search for these words are in; some are held out of all of them."""
    found = set()
    for n in range(12):
        sent = {"type": "track", "anonymousId": f"new-{n}-{words[4:7]}", "event": "Products Searched"}
        shop.ask("/v1/track", {**sent, "properties": {"query": words}}, key=WRITE_KEY)
        made = shop.ask("/v1/decide", {"anonymousId": sent["anonymousId"], "slot": "home"})
        found |= {one["key"] for one in made["experiments"] if not one["key"].startswith(("holdout:", "rule:"))}
    return found
