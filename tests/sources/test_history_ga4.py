"""GA4's export of apps, and of purchases whose worth is told in US dollars alone."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sources.test_history import param, read


def test_ga4_of_an_app_with_long_names(tmp_path: Path) -> None:
    """An id of a device, a time and an event's name may be longer than ids are: something shorter stands for it."""
    row = {"event_timestamp": "1700000000000000", "user_pseudo_id": "a" * 32, "event_bundle_sequence_id": 1_234_567_890}
    names = ["one_event_name_of_exactly_forty_letters_", "two_event_name_of_exactly_forty_letters_"]
    path = tmp_path / "app.jsonl"
    path.write_text("".join(json.dumps({**row, "event_name": name}) + "\n" for name in names))
    events, bad, _ = read(path, "ga4-bigquery")
    assert not bad
    assert len({event.message_id for event in events}) == 2


def test_ga4_of_a_value_in_dollars(tmp_path: Path) -> None:
    """Where only the value in US dollars is told, it is no amount of the purchase's own currency."""
    row = {"event_timestamp": "1700000000000000", "user_pseudo_id": "a", "event_name": "purchase"}
    more = {"event_params": [param("currency", string_value="JPY")], "event_value_in_usd": 12.5}
    path = tmp_path / "app.jsonl"
    path.write_text(json.dumps({**row, **more}))
    ((event,), _, _) = read(path, "ga4-bigquery")
    assert (event.properties["revenue"], event.properties["currency"]) == (12.5, "USD")
