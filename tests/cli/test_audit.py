"""``micromoments audit``: from an export to the page."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer

from micromoments.config import load
from tests.cli.commands import micromoments

audit = import_module("micromoments.cli.audit")
ROWS = "event_time,event_type,product_id,price,user_id\n" + "".join(
    f"2019-10-01 {n % 24:02}:{minute:02}:00 UTC,{what},{n % 5},20,u{n}\n"
    for n in range(40)
    for minute, what in ((1, "view"), (2, "view"), (3, "cart"), (9, "purchase" if n % 4 == 0 else "view"))
)


def export(folder: Path) -> Path:
    """A shop's clicks, out of order and with one row that nobody can read."""
    path = folder / "export.csv"
    path.write_text(ROWS + "yesterday,view,1,20,u1\n", encoding="utf-8")
    return path


def test_an_unmodified_export_becomes_a_page(tmp_path: Path) -> None:
    """One command, no mapping: a whole page on standard output that names no other host; nothing is left behind."""
    done = micromoments("audit", export(tmp_path))
    assert done.status == 3
    assert done.out.startswith("<!doctype html>")
    assert done.out.rstrip().endswith("</html>")
    assert not re.search(r"(src|href)=|https?://|<script", done.out)
    assert "1 of 161 rows of export.csv could not be read" in done.out
    assert "userId=user_id" in done.words
    assert [path.name for path in tmp_path.iterdir()] == ["export.csv"]


def test_json_says_the_same(tmp_path: Path) -> None:
    """Moments, goals and the range are those of the rows; a purchase is worth its price."""
    done = micromoments("audit", export(tmp_path), "--format", "json", "--lift", "0.1-0.1")
    reply = json.loads(done.out)
    kinds = {row["of"] for row in reply["rows"]}
    assert {"moments", "causes", "goals", "worth", "cannot", "read"} <= kinds
    goals = [row for row in reply["rows"] if row["of"] == "goals"]
    assert sum(row["goals"] for row in goals) == 10
    (worth,) = [row for row in reply["rows"] if row["of"] == "worth"]
    assert worth["value"] == "200.00 USD"
    (read,) = [row for row in reply["rows"] if row["of"] == "read"]
    assert (read["events"], read["set_aside"]) == (160, 1)


def test_what_was_imported_can_be_kept(tmp_path: Path) -> None:
    """With --keep the project stays: a folder can be audited too, and asked for other reports."""
    kept = tmp_path / "kept"
    first = micromoments("audit", export(tmp_path), "--keep", kept, "--format", "json")
    again = micromoments("audit", kept, "--format", "json")
    assert json.loads(again.out)["figures"] == json.loads(first.out)["figures"]
    assert micromoments("report", kept, "moments").status == 0


def test_a_table_and_a_file(tmp_path: Path) -> None:
    """The table says figures, causes and what the log can't tell; --out writes a file."""
    done = micromoments("audit", export(tmp_path), "--format", "table", "--out", tmp_path / "audit.txt")
    told = (tmp_path / "audit.txt").read_text(encoding="utf-8")
    assert (done.out, "written to" in done.words) == ("", True)
    assert "What the log cannot tell" in told
    assert "Moments people had" in told


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A file without people, a missing file and a wrong worth end in one line that says what to do."""
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = micromoments("audit", tmp_path / "x.csv")
    assert (done.status, done.out) == (1, "")
    assert "say it with --map" in done.words
    assert micromoments("audit", tmp_path / "none.csv").status == 2
    assert micromoments("audit", export(tmp_path), "--worth", "much").status == 2


def test_a_project_on_a_cluster_may_give_its_settings(tmp_path: Path) -> None:
    """Its goals and currency hold; where its Kafka and Redis are doesn't."""
    config, history = tmp_path / "shop.toml", tmp_path / "h.jsonl"
    config.write_text('currency = "EUR"\n[cluster]\nkafka = "127.0.0.1:1"\nredis = "redis://127.0.0.1:1"\n')
    history.write_text('{"type": "track", "anonymousId": "a", "event": "Cart Viewed", "timestamp": "2026-01-02"}\n')
    done = micromoments("audit", history, "--config", config, "--format", "json")
    assert done.status == 0, done.words


def test_worth_is_in_the_projects_currency(tmp_path: Path) -> None:
    """An amount without a currency is the project's own, in its minor units; one that is said becomes the project's,
    whatever a goal's is, and another than the project's is refused.
    """
    assert [audit._money("40").minor(own) for own in ("JPY", "EUR", "KWD")] == [40, 4_000, 40_000]
    config = tmp_path / "micromoments.toml"
    config.write_text('[goals.order]\nevent = "Order Completed"\ncurrency = "USD"\n')
    with audit._project(None, config, "40 EUR") as folder:
        assert load(folder).currency == "EUR"
    config.write_text('currency = "JPY"\n')
    with pytest.raises(typer.BadParameter, match="EUR and a project in JPY"), audit._project(None, config, "40 EUR"):
        pass
