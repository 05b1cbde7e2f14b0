"""Opening hours, against cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.geo import Point
from micromoments.core.hours import closes_at, open_at, opens_at, schedule
from micromoments.core.item import Item

HELSINKI = "Europe/Helsinki"
NEW_YORK = "America/New_York"
SYDNEY, LORD_HOWE = "Australia/Sydney", "Australia/Lord_Howe"
HOUR = 3_600_000


def ms(text: str) -> int:
    """An ISO 8601 time with its offset, in milliseconds since the epoch."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def place(hours: str, timezone: str = HELSINKI, point: Point | None = None) -> Item:
    """A place with these hours."""
    return Item(id="p", kind="place", title="Place", hours=hours, timezone=timezone, location=point)


# Each expected instant was worked out from the wall clock and the zone's offset at that time.
CASES = [
    ("Mo-Fr 08:00-20:00", HELSINKI, "2024-05-06T08:00+03:00", True, "2024-05-06T20:00+03:00"),
    ("Mo-Fr 08:00-20:00", HELSINKI, "2024-05-06T07:59:59.999+03:00", False, "2024-05-06T08:00+03:00"),
    ("Mo-Fr 08:00-20:00", HELSINKI, "2024-05-10T20:00+03:00", False, "2024-05-13T08:00+03:00"),
    ("Mo-Fr 08:00-12:00,13:00-17:00", HELSINKI, "2024-05-06T12:30+03:00", False, "2024-05-06T13:00+03:00"),
    # Past midnight: a Friday night belongs to Friday.
    ("Fr-Sa 20:00-04:00", HELSINKI, "2024-05-12T03:59+03:00", True, "2024-05-12T04:00+03:00"),
    ("Fr-Sa 20:00-04:00", HELSINKI, "2024-05-12T20:30+03:00", False, "2024-05-17T20:00+03:00"),
    ("Mo-Su 18:00-26:00", HELSINKI, "2024-05-12T01:00+03:00", True, "2024-05-12T02:00+03:00"),
    # Helsinki, 31 March 2024: 03:00 becomes 04:00, so the night from 22:00 to 05:00 has six hours.
    ("Sa 22:00-05:00", HELSINKI, "2024-03-30T22:00+02:00", True, "2024-03-31T05:00+03:00"),
    ("Mo-Su 02:00-05:00", HELSINKI, "2024-03-31T02:59+02:00", True, "2024-03-31T05:00+03:00"),
    # 03:30 doesn't exist that day: it opens when the clock jumps to 04:00.
    ("Mo-Su 03:30-05:00", HELSINKI, "2024-03-31T02:59+02:00", False, "2024-03-31T04:00+03:00"),
    # Helsinki, 27 October 2024: 04:00 becomes 03:00, so the night from 22:00 to 05:00 has eight hours.
    ("Sa 22:00-05:00", HELSINKI, "2024-10-26T22:00+03:00", True, "2024-10-27T05:00+02:00"),
    # 03:30 comes twice; the second passing counts.
    ("Sa 22:00-03:30", HELSINKI, "2024-10-27T03:45+03:00", True, "2024-10-27T03:30+02:00"),
    ("Sa 22:00-03:30", HELSINKI, "2024-10-27T03:30+02:00", False, "2024-11-02T22:00+02:00"),
    # New York, 10 March and 3 November 2024: the changes are at 02:00.
    ("Sa 21:00-03:00", NEW_YORK, "2024-03-09T21:00-05:00", True, "2024-03-10T03:00-04:00"),
    ("Sa 21:00-03:00", NEW_YORK, "2024-11-02T21:00-04:00", True, "2024-11-03T03:00-05:00"),
    # Sydney, 6 October 2024 (02:00 becomes 03:00) and 7 April 2024 (03:00 becomes 02:00): south of the equator.
    ("Sa 22:00-04:00", SYDNEY, "2024-10-05T22:00+10:00", True, "2024-10-06T04:00+11:00"),
    ("Mo-Su 02:30-05:00", SYDNEY, "2024-10-06T01:59+10:00", False, "2024-10-06T03:00+11:00"),
    ("Sa 22:00-04:00", SYDNEY, "2024-04-06T22:00+11:00", True, "2024-04-07T04:00+10:00"),
    # Lord Howe Island changes by half an hour: 02:00 becomes 02:30 on 6 October, 02:00 becomes 01:30 on 7 April 2024.
    ("Sa 23:00-03:00", LORD_HOWE, "2024-10-05T23:00+10:30", True, "2024-10-06T03:00+11:00"),
    ("Sa 23:00-03:00", LORD_HOWE, "2024-04-06T23:00+11:00", True, "2024-04-07T03:00+10:30"),
    # London, 31 March and 27 October 2024: 01:00 becomes 02:00, 02:00 becomes 01:00.
    ("Sa 20:00-02:30", "Europe/London", "2024-03-30T20:00+00:00", True, "2024-03-31T02:30+01:00"),
    ("Sa 20:00-02:30", "Europe/London", "2024-10-26T20:00+01:00", True, "2024-10-27T02:30+00:00"),
    # Who is open around the clock stays so through a change; who opens the next morning does so by the new clock.
    ("24/7", NEW_YORK, "2024-03-10T01:59-05:00", True, ""),
    ("Mo-Su 09:00-17:00", NEW_YORK, "2024-03-09T18:00-05:00", False, "2024-03-10T09:00-04:00"),
    ("Mo-Su 09:00-17:00", NEW_YORK, "2024-11-02T18:00-04:00", False, "2024-11-03T09:00-05:00"),
    ("Mo-Fr 09:00-17:00", "Asia/Tokyo", "2024-05-06T00:30+00:00", True, "2024-05-06T08:00+00:00"),
    # Half-hour and three-quarter-hour zones.
    ("Mo-Su 09:00-17:00", "Asia/Kathmandu", "2024-05-06T03:15+00:00", True, "2024-05-06T11:15+00:00"),
    # Seasons and exceptions.
    ("Jun-Aug Mo-Su 10:00-18:00", HELSINKI, "2024-10-01T12:00+03:00", False, "2025-06-01T10:00+03:00"),
    ("Mo-Su 08:00-18:00; Dec 24 off", HELSINKI, "2024-12-24T12:00+02:00", False, "2024-12-25T08:00+02:00"),
    ("Mo-Sa 00:00-24:00", HELSINKI, "2024-05-06T12:00+03:00", True, "2024-05-12T00:00+03:00"),
]


@pytest.mark.parametrize(("hours", "zone", "at", "is_open", "changes"), CASES)
def test_hand_worked(hours: str, zone: str, at: str, is_open: bool, changes: str) -> None:
    """Open or not, and the instant of the next change, as worked out by hand."""
    now = ms(at)
    assert open_at(hours, zone, now) is is_open
    if is_open:
        assert closes_at(hours, zone, now) == (ms(changes) if changes else 0)
        assert opens_at(hours, zone, now) == now
    else:
        assert closes_at(hours, zone, now) == 0
        assert opens_at(hours, zone, now) == ms(changes)


def test_empty_is_always() -> None:
    """No hours means open at every instant, with no closing time."""
    assert open_at("", HELSINKI, 0)
    assert closes_at(place(""), "", 0) == 0
    assert opens_at("", "", 5) == 5


def test_always_and_never() -> None:
    """What never closes has no closing time; what never opens has no opening time."""
    now = ms("2024-05-06T12:00+03:00")
    assert open_at("24/7", HELSINKI, now)
    assert closes_at("24/7", HELSINKI, now) == 0
    assert not open_at("off", HELSINKI, now)
    assert opens_at("off", HELSINKI, now) == 0


def test_unknown_is_closed() -> None:
    """What the expression calls unknown counts as closed."""
    assert not open_at('Mo-Su 08:00-20:00 unknown "by appointment"', HELSINKI, ms("2024-05-06T12:00+03:00"))


def test_public_holidays_by_country() -> None:
    """Public holidays are those of the country that the place stands in: 6 December is Finland's, not Sweden's."""
    noon = ms("2024-12-06T12:00+02:00")
    hours = "Mo-Su 08:00-20:00; PH off"
    assert not open_at(place(hours, point=Point(60.17, 24.94)), "", noon)
    assert open_at(place(hours, "Europe/Stockholm", Point(59.33, 18.06)), "", noon)


NIGHTS = "Mo-Th 08:00-22:00; Fr,Sa 10:00-04:00; PH off"


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        (NIGHTS, "2027-01-02T01:00+02:00", False),  # the night after New Year's Day, a Friday
        (NIGHTS, "2027-01-02T10:30+02:00", True),
        (NIGHTS, "2027-01-03T03:30+02:00", True),  # the night after an ordinary Saturday
        (NIGHTS, "2027-01-03T04:00+02:00", False),
        (NIGHTS, "2026-05-02T01:00+03:00", False),  # after May Day, a Friday
        ("Mo-Su 18:00-02:00; Nov 26 off", "2026-11-27T01:00+02:00", False),
        ("Mo-Su 18:00-02:00; Nov 26 off", "2026-11-26T01:00+02:00", False),  # the library ends a night with the day off
        ("Mo-Su 18:00-26:00; Nov 26 off", "2026-11-27T01:00+02:00", False),
        ("Mo-Su 00:00-02:00,18:00-24:00; Nov 26 off", "2026-11-27T01:00+02:00", True),  # its own small hours
        ("Mo-Sa; Fr 18:00-02:00; PH off", "2026-11-30T12:00+02:00", True),
        (NIGHTS, "2026-03-29T02:30+02:00", True),  # the clock jumps from 3 to 4
        (NIGHTS, "2026-03-29T04:00+03:00", False),
        (NIGHTS, "2026-10-25T03:30+03:00", True),  # passes twice
        (NIGHTS, "2026-10-25T03:30+02:00", True),
        (NIGHTS, "2026-10-25T04:00+02:00", False),
    ],
)
def test_a_night_goes_with_its_evening(hours: str, at: str, is_open: bool) -> None:
    """Where an evening was taken off, its small hours are too; hand-worked over holidays and clock changes."""
    cafe = place(hours, point=Point(60.17, 24.94))
    assert open_at(cafe, "", ms(at)) is is_open
    assert (opens_at(cafe, "", ms(at)) == ms(at)) is is_open
    assert (closes_at(cafe, "", ms(at)) > 0) is is_open


def test_sun() -> None:
    """Sunrise and sunset are those of the place: at Helsinki's midsummer the sun sets after ten in the evening."""
    park = place("sunrise-sunset", point=Point(60.17, 24.94))
    assert open_at(park, "", ms("2024-06-21T22:30+03:00"))
    assert not open_at(park, "", ms("2024-12-21T16:00+02:00"))


def test_items_zone_goes_first() -> None:
    """An item's own zone decides; the given one only where it has none."""
    nine = ms("2024-05-06T09:00+03:00")
    hours = "Mo-Fr 08:00-20:00"
    assert open_at(place(hours, HELSINKI), NEW_YORK, nine)
    assert not open_at(place(hours, ""), NEW_YORK, nine)


def test_neighbours_share_a_schedule() -> None:
    """The same hours in the same zone are parsed once."""
    assert schedule("Mo 10:00-11:00", HELSINKI) is schedule(place("Mo 10:00-11:00"))


@pytest.mark.parametrize("hours", ["banana", "Mo 25:00-99:00", "Mo-Fr 8-"])
def test_bad_expression(hours: str) -> None:
    """A bad expression raises and says what was got and wanted."""
    with pytest.raises(ValueError, match=r"got opening hours .* wanted an OpenStreetMap opening_hours"):
        open_at(hours, HELSINKI, 0)


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "/etc/passwd"])
def test_bad_zone(zone: str) -> None:
    """A bad zone raises and says what was got and wanted."""
    with pytest.raises(ValueError, match=r"got time zone .* wanted an IANA name"):
        schedule("Mo-Fr 08:00-20:00", zone)


EXPRESSIONS = [
    "Mo-Fr 08:00-20:00",
    "Fr-Sa 20:00-04:00",
    "Mo-Su 02:30-03:30",
    "Jun-Aug 10:00-18:00; Mo off",
    "Su 12:00+",
]


@given(
    hours=st.sampled_from(EXPRESSIONS),
    zone=st.sampled_from([HELSINKI, NEW_YORK, "Africa/Cairo", "Australia/Lord_Howe", "UTC"]),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 made aware below
)
def test_changes_agree_with_open(hours: str, zone: str, at: datetime) -> None:
    """It is open until just before it closes and closed then; and closed until just before it opens and open then."""
    now = round(at.replace(tzinfo=UTC).timestamp() * 1000)
    if open_at(hours, zone, now):
        change = closes_at(hours, zone, now)
        assert change > now
        assert open_at(hours, zone, change - 1)
        assert not open_at(hours, zone, change)
    elif change := opens_at(hours, zone, now):
        assert change > now
        assert not open_at(hours, zone, change - 1)
        assert open_at(hours, zone, change)


@given(st.lists(st.integers(-200, 200), min_size=2, max_size=8))
def test_order_of_questions_does_not_matter(days: list[int]) -> None:
    """An answer doesn't depend on what was asked before: the kept window is only a cache."""
    start = ms("2024-05-06T12:00+03:00")
    hours = "Mo-We 08:00-20:00; Fr 22:00-03:00"
    asked = [start + day * 24 * HOUR for day in days]
    forward = {at: open_at(hours, HELSINKI, at) for at in asked}
    assert {at: open_at(hours, HELSINKI, at) for at in reversed(asked)} == forward
