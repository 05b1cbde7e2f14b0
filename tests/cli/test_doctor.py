"""``micromoments doctor``: finds what is wrong with a folder or a file, and says what to do."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import micromoments as mm
from micromoments.cli import doctor_data, doctor_setup
from micromoments.cli.doctor_outward import destinations
from micromoments.cli.doctor_setup import Setup
from micromoments.cli.finding import Finding
from micromoments.engine.service import now_ms
from micromoments.engine.wiring import at_rest
from micromoments.ports import StoreError
from micromoments.sources import mapping
from micromoments.sources.files import Source
from tests.cli.commands import micromoments

NOW = 1_790_000_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a person and some facts in it, closed."""
    folder = tmp_path / "shop"
    with mm.open(folder) as engine:
        engine.track("ana", "Products Searched", {"query": "trail shoes"})
    return folder


def found(folder: Path, **environment: str) -> dict[str, Finding]:
    """The worst finding of each check."""
    worst: dict[str, Finding] = {}
    order = ["ok", "note", "warning", "error"]
    setup = Setup(folder, at_rest(folder), environment, now_ms())
    for finding in (*doctor_setup.examine(setup), *destinations(setup)):
        held = worst.get(finding.check)
        if held is None or order.index(finding.severity) > order.index(held.severity):
            worst[finding.check] = finding
    return worst


def test_a_sound_folder_is_said_to_be_sound(shop: Path) -> None:
    """Nothing is wrong with a new folder; every check says what it looked at; the exit status is 0. What is free on the
    disk is the machine's.
    """
    done = micromoments("doctor", shop, "--format", "json")
    assert done.status == 0
    findings = json.loads(done.out)
    assert {f["check"] for f in findings} == {check.name for check in doctor_setup.CHECKS}
    assert {f["severity"] for f in findings if f["check"] != doctor_setup.Disk.name} <= {"ok", "note"}


def test_all_mistakes_of_a_configuration_are_told(shop: Path) -> None:
    """Each mistake is a finding with its line; the exit status is 1."""
    (shop / "micromoments.toml").write_text('[slots.home]\nlimit = "many"\nholdout = "some"\n')
    done = micromoments("doctor", shop)
    assert done.status == 1
    lines = [line for line in done.out.splitlines() if line.startswith("error")]
    assert len(lines) == 2
    assert "micromoments.toml:2 slots.home.limit" in done.out
    assert "micromoments.toml:3 slots.home.holdout" in done.out


def test_a_damaged_log_is_found(shop: Path) -> None:
    """One flipped byte in a group of the log is an error that says what to do."""
    with closing(sqlite3.connect(shop / "log.sqlite")) as db:
        (first, body) = db.execute("SELECT first, body FROM groups ORDER BY first DESC").fetchone()
        db.execute("UPDATE groups SET body = ? WHERE first = ?", (body[:-3] + bytes([body[-3] ^ 1]) + body[-2:], first))
        db.commit()
    finding = found(shop)["log"]
    assert finding.severity == "error"
    assert "restore" in finding.got


def test_a_log_with_a_hole_is_found(shop: Path) -> None:
    """Missing positions are an error, and so is a state that has folded more than the log has."""
    with closing(sqlite3.connect(shop / "log.sqlite")) as db:
        db.execute("DELETE FROM groups WHERE first = (SELECT max(first) FROM groups)")
        db.execute("UPDATE meta SET value = 0 WHERE name = 'end'")
        db.commit()
    finding = found(shop)["positions"]
    assert finding.severity == "error"
    assert "the log ends at" in finding.got


def test_a_damaged_state_is_found(shop: Path) -> None:
    """A person whose bytes fail their checksum is an error."""
    with closing(sqlite3.connect(shop / "state.sqlite")) as db:
        db.execute("UPDATE people SET body = x'00010203'")
        db.commit()
    assert found(shop)["state"].severity == "error"


@pytest.mark.parametrize("name", ["state.sqlite", "log.sqlite", "budgets.sqlite", "audit.sqlite"])
def test_a_file_that_is_no_database_is_found(shop: Path, name: str) -> None:
    """Each database of the folder is looked at; opening the folder says the same, and what to do."""
    for part in shop.glob(f"{name}-*"):
        part.unlink()
    (shop / name).write_bytes(b"no database" * 1_000)
    wrong = [f for f in found(shop).values() if f.severity == "error"]
    assert any(name in str(f) for f in wrong), wrong
    with pytest.raises(StoreError, match=f"{name}.*restore a backup"):
        mm.open(shop)


def test_serve_refuses_a_log_that_lost_its_end(shop: Path) -> None:
    """The server says it before it takes traffic, with the exit status of a failure."""
    for part in shop.glob("log.sqlite*"):
        part.unlink()
    done = micromoments("serve", shop, "--port", "0")
    assert (done.status, "restore a backup" in done.words) == (1, True)


def test_a_missing_file_of_facts_is_found(shop: Path) -> None:
    """A sealed file that the manifest names and that isn't there is an error."""
    from micromoments.stores.embedded.facts import seal_folder

    assert seal_folder(shop, now_ms() + 1000) > 0
    assert found(shop)["facts"].severity == "ok"
    facts = shop / "facts"
    next(one for one in facts.rglob("*.parquet") if "rollups" not in one.relative_to(facts).parts).unlink()
    assert found(shop)["facts"].severity == "error"


def test_weak_and_shared_keys_are_found_and_never_shown(shop: Path) -> None:
    """A short key is a warning, a write key that is the secret key too an error, and no key is in any finding."""
    findings = found(shop, MICROMOMENTS_WRITE_KEY="hunter2", MICROMOMENTS_SECRET_KEY="hunter2")
    assert findings["keys"].severity == "error"
    assert "hunter2" not in repr(findings)
    strong = {"MICROMOMENTS_WRITE_KEY": "w" * 32, "MICROMOMENTS_SECRET_KEY": "s" * 32}
    assert found(shop, **strong)["keys"].severity == "ok"


def test_an_open_folder_and_open_doors_are_told(shop: Path) -> None:
    """A process that owns the folder is a note; a folder that others may read is a warning."""
    with mm.open(shop):
        assert str(os.getpid()) in found(shop)["owner"].got
    shop.chmod(0o755)
    assert found(shop)["permissions"].severity == "warning"


def test_a_clock_that_went_back_is_found(shop: Path) -> None:
    """A log whose newest record lies well in the future is an error."""
    setup = Setup(shop, at_rest(shop), {}, now_ms() - 3_600_000)
    clock = next(check for check in doctor_setup.CHECKS if check.name == "clock")
    assert clock.run(setup)[0].severity == "error"


def test_no_folder_is_usage(tmp_path: Path) -> None:
    """A path that is no folder is told in words with status 2."""
    done = micromoments("doctor", tmp_path / "nothing")
    assert done.status == 2
    assert "no folder" in done.words


def examined(tmp_path: Path, lines: list[dict[str, object]]) -> dict[str, list[Finding]]:
    """What the checks of a file find in rows of the Segment shape."""
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"type": "track", **line}) + "\n" for line in lines), encoding="utf-8")
    rows = Source(file, mapping.Shape(), now=NOW).rows()
    by_name: dict[str, list[Finding]] = {}
    for finding in doctor_data.examine(rows, doctor_data.checks(NOW, 400, 300)):
        by_name.setdefault(finding.check, []).append(finding)
    return by_name


def event(name: str, second: int = 0, who: str = "ana", **properties: object) -> dict[str, object]:
    """One event as a line."""
    at = f"2026-09-01T10:{second // 60:02d}:{second % 60:02d}Z"
    return {"userId": who, "event": name, "timestamp": at, "properties": properties}


def test_a_sound_file_is_said_to_be_sound(tmp_path: Path) -> None:
    """Standard events with what they need, in order, give nothing but good news."""
    findings = examined(tmp_path, [event("Product Viewed", n, f"p{n}", product_id="a") for n in range(20)])
    assert {f.severity for several in findings.values() for f in several} == {"ok"}


def test_each_flaw_of_a_file_has_its_finding(tmp_path: Path) -> None:
    """Order, names, fields, clicks, duplicates, money: each check finds its flaw and says how often."""
    lines = [
        event("Product Viewed", 50, product_id="a"),
        event("Product Viewed", 10),
        event("Prodct Veiwed", 51, product_id="a"),
        event("Decision Clicked", 52, decision_id="d1", item_id="a"),
        event("Decision Seen", 53, decision_id="d2"),
        event("Decision Clicked", 54, decision_id="d2", item_id="a"),
        event("Order Completed", 55, order_id="o1", revenue="much"),
        event("Order Completed", 56, order_id="o2", revenue=-3, currency="EUR"),
        event("Product Viewed", 57, product_id="b"),
        event("Product Viewed", 57, product_id="b"),
    ]
    findings = examined(tmp_path, lines)
    assert "1 rows stand behind" in findings["order"][0].got
    assert "Product Viewed" in findings["event names"][0].todo
    assert "1 of 4 Product Viewed (25%) without product_id" in findings["fields"][0].got
    assert "1 of 2 clicks" in findings["clicks"][0].got
    assert "1 rows tell the same" in findings["duplicates"][0].got
    assert [f.severity for f in findings["money"]] == ["error", "warning", "note"]


def test_rows_that_are_no_events_make_the_status_1(tmp_path: Path) -> None:
    """A file with bad rows is wrong: each kind with its lines, and the exit status 1."""
    file = tmp_path / "a.csv"
    file.write_text("u,t\nana,soon\nana,1767323045\n")
    done = micromoments("doctor", "--data", file, "--map", "userId=u,timestamp=t,event:=Product Viewed")
    assert done.status == 1
    assert "1 of 2 rows: bad_timestamp, such as line 2" in done.out


def test_a_placeholder_id_and_days_without_times_are_found(tmp_path: Path) -> None:
    """One id on most rows, and timestamps that are all midnight, are warnings."""
    lines: list[dict[str, object]] = [
        {
            "userId": "0",
            "event": "Product Viewed",
            "timestamp": f"2026-08-{1 + n % 28:02d}T00:00:00Z",
            "properties": {"product_id": n},
        }
        for n in range(200)
    ]
    findings = examined(tmp_path, lines)
    assert findings["people"][0].severity == "warning"
    assert findings["times"][0].severity == "warning"


def test_a_script_is_noticed(tmp_path: Path) -> None:
    """An id with more events in a minute than people make is noted."""
    findings = examined(tmp_path, [event("Product Viewed", 1, product_id=str(n)) for n in range(302)])
    assert "1 ids with more than 300 events in a minute" in findings["pace"][0].got


def test_destinations_are_opened_and_nothing_is_sent(shop: Path) -> None:
    """A secret that isn't there is an error, an unsigned webhook a warning; whole ones are fine, no secret is shown."""
    text = """
    [destinations.crm]
    url = "https://hooks.shop.example/"
    {secret}
    [triggers.hello]
    to = ["crm"]
    """
    (shop / "micromoments.toml").write_text(text.format(secret='secret = { env = "CRM" }'))
    missing, whole = found(shop)["destinations"], found(shop, CRM="whsec_" + "c2VjcmV0" * 4)["destinations"]
    assert (missing.severity, whole.severity) == ("error", "ok")
    assert "CRM" in missing.got
    assert "c2VjcmV0" not in str(whole)
    (shop / "micromoments.toml").write_text(text.format(secret=""))
    assert found(shop)["destinations"].severity == "warning"
