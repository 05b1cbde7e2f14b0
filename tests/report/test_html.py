"""A report's page stands alone, shows each number with what it counts, and can't be broken by what people typed."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from micromoments.core.event import SIMULATED
from micromoments.report.flat import shown
from micromoments.report.html import _pictures, page
from micromoments.report.pictures import course
from micromoments.report.reports import REPORTS, run
from tests.report.test_reports import small
from tests.report.world import NOW, SETTINGS, Facts, moment

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects the tags, checks that they close, and the text."""

    def __init__(self, text: str) -> None:
        """Reads a whole page."""
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes the tag that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Notes text."""
        self.words.append(data)


@pytest.mark.parametrize("name", sorted(REPORTS))
@pytest.mark.parametrize("full", [True, False])
def test_every_report_has_a_page_that_stands_alone(name: str, full: bool) -> None:
    """Well-formed, with a title, without scripts, links or other hosts, with facts and without."""
    facts = small() if full else Facts()
    reader = Reader(page(run(facts.query, name, {}, SETTINGS)))
    assert reader.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in reader.tags}
    assert not any("src" in attributes or "href" in attributes for _, attributes in reader.tags)
    assert REPORTS[name].title in reader.words
    assert REPORTS[name].counting in reader.words


def test_parts_and_sentences_are_shown() -> None:
    """A break-down is a table of figures by part; sentences stand above the numbers."""
    words = Reader(page(run(small().query, "scorecards", {"by": "day"}, SETTINGS))).words
    assert "2026-01-02" in words
    assert "75.0%" in words
    lifts = page(run(small().query, "lift", {}, SETTINGS))
    assert "Not proof yet: " in lifts


def test_what_people_typed_stays_text() -> None:
    """A need that looks like markup is shown as it was typed; simulated numbers say so."""
    evil = "<script>alert(1)</script>"
    facts = Facts(*(moment(f"m{n}", n, NOW, query=evil, marks=SIMULATED) for n in range(10)))
    text = page(run(facts.query, "needs", {}, SETTINGS))
    assert "<script" not in text
    assert evil in Reader(text).words
    assert "These numbers hold simulated people." in text


def test_values_read_by_their_unit() -> None:
    """Shares as per cent, times in their own unit, nothing to divide by as a dash."""
    assert shown({"value": 0.256, "unit": "share"}) == "25.6%"
    assert shown({"value": 90_000.0, "unit": "milliseconds", "p95": 250}) == "1.5 min (95 % within 250 ms)"
    assert shown({"value": None, "unit": "share"}) == "–"
    assert shown({"value": 12_345, "unit": "events"}) == "12,345"
    assert shown({"value": 1.5, "unit": "per person"}) == "1.50"


def test_days_and_lifts_are_drawn() -> None:
    """A break-down by day has a line for each figure with values on two days; a declared lift has its interval."""
    by_day = Reader(page(run(small().query, "scorecards", {"by": "day"}, SETTINGS)))
    assert ("svg", "img") in {(tag, attributes.get("role")) for tag, attributes in by_day.tags}
    assert "Moments served, by day" in by_day.words
    compared = {"metric": "times", "low": -0.1, "difference": 0.2, "high": 0.5, "verdict": "unclear"}
    row = {"of": "slot", "slot": "home", "experiment": "", "goal": "order", "primary": True, "comparisons": [compared]}
    drawn = _pictures({"rows": [row, {**row, "primary": False}]})
    assert drawn.count("<figure>") == 1
    assert "between -0.1 and +0.5" in drawn


def test_a_course_has_gaps_and_keeps_quiet_about_one_day() -> None:
    """A day without a value breaks the line; a single day is no course."""
    assert course("x", [("1", 0.5)], ["50%"]) == ""
    broken = course("x", [("1", 0.1), ("2", 0.2), ("3", None), ("4", 0.3), ("5", 0.4)], ["", "", "–", "", ""])
    assert broken.count("<polyline") == 2
