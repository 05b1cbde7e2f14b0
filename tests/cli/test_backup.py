"""``backup``, ``restore`` and ``replay``: what is copied is whole, and what is restored folds to the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import micromoments as mm
from tests.cli.commands import micromoments
from tests.cli.test_import import MAP, put, rows


def contents(folder: Path) -> dict[str, object]:
    """What the engine holds, without what opening it adds: people, items, decisions, an export."""
    with mm.open(folder) as engine:
        engine.service.ready = True
        return {
            "export": msgspec.json.encode(engine.export("ana")),
            "items": msgspec.json.encode(list(engine.service.items())),
            "stats": engine.service.stats()["items"],
        }


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with items, a person, a decision and its outcome."""
    folder = tmp_path / "shop"
    with mm.open(folder) as engine:
        engine.catalog.put(
            [mm.Item(id="p1", kind="product", title="Trail shoe"), mm.Item(id="p2", kind="product", title="Sock")]
        )
        engine.track("ana", "Products Searched", {"query": "trail shoe"})
        choice = engine.decide("ana", slot="home")
        engine.track("ana", "Order Completed", {"revenue": 89, "decision_id": choice.id})
    return folder


def test_a_backup_taken_while_serving_restores_to_the_same(shop: Path, tmp_path: Path) -> None:
    """Taken by another process while the folder is open, verified, restored: the same people, items, decisions."""
    with mm.open(shop) as engine:
        engine.track("ana", "Product Added", {"product_id": "p1"})
        assert micromoments("backup", shop, tmp_path / "copy").status == 0
    assert micromoments("backup", "--verify", tmp_path / "copy").status == 0
    assert micromoments("restore", tmp_path / "copy", tmp_path / "again").status == 0
    assert contents(tmp_path / "again") == contents(shop)
    assert micromoments("replay", tmp_path / "again").status == 0


def test_a_damaged_backup_is_refused(shop: Path, tmp_path: Path) -> None:
    """One changed byte in any file fails the verification and the restoration, and nothing is made."""
    copy = tmp_path / "copy"
    assert micromoments("backup", shop, copy).status == 0
    body = bytearray((copy / "log.sqlite").read_bytes())
    body[len(body) // 2] ^= 1
    (copy / "log.sqlite").write_bytes(body)
    done = micromoments("backup", "--verify", copy)
    assert done.status == 1
    assert "log.sqlite" in done.words
    assert micromoments("restore", copy, tmp_path / "again").status == 1
    assert not (tmp_path / "again" / "log.sqlite").exists()


def test_what_was_imported_is_known_after_a_restore(tmp_path: Path) -> None:
    """A restored folder knows the files that it imported, so the same file again adds nothing."""
    file = put(tmp_path / "a.csv", rows(50))
    shop = tmp_path / "shop"
    assert micromoments("import", shop, file, "--map", MAP).status == 0
    assert micromoments("backup", shop, tmp_path / "copy").status == 0
    assert micromoments("restore", tmp_path / "copy", tmp_path / "again").status == 0
    assert "imported before" in micromoments("import", tmp_path / "again", file, "--map", MAP).words


def test_a_target_that_is_not_empty_is_refused(shop: Path, tmp_path: Path) -> None:
    """Neither a backup nor a restoration writes into a folder that holds something."""
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "note").write_text("mine")
    assert micromoments("backup", shop, taken).status == 1
    assert micromoments("backup", shop, tmp_path / "copy").status == 0
    assert micromoments("restore", tmp_path / "copy", taken).status == 1
    assert [p.name for p in taken.iterdir()] == ["note"]


def test_wrong_usage_is_told_in_words(shop: Path, tmp_path: Path) -> None:
    """A backup without a target, of no project, or a verification of two folders: words and a status."""
    assert micromoments("backup", shop).status == 2
    assert micromoments("backup", "--verify", shop, tmp_path).status == 2
    assert micromoments("backup", tmp_path / "nothing", tmp_path / "copy").status == 1
    assert micromoments("backup", "--verify", shop).status == 1
    assert micromoments("replay", tmp_path / "nothing").status == 2


def test_replay_tells_a_difference(shop: Path) -> None:
    """A person whose stored state is another's fails the replay, by name, with status 1; after an upgrade, which may be
    why, it says so.
    """
    from micromoments.core.record import ActivationRecord
    from micromoments.ports import Batch
    from micromoments.stores.embedded.log import SqliteLog
    from micromoments.stores.embedded.state import SqliteState

    assert micromoments("replay", shop).status == 0
    state = SqliteState(shop / "state.sqlite")
    nothing = Batch(
        people={}, links={}, timers={}, decisions=(), facts=(), policies={}, items={}, position=state.position()
    )
    people, _ = state.load(["user:ana"], [])
    person = people["user:ana"]
    changed = msgspec.structs.replace(person, first=person.first - 1)
    state.commit(msgspec.structs.replace(nothing, people={"user:ana": changed}))
    done = micromoments("replay", shop)
    assert done.status == 1
    assert "differs" in done.out
    assert "another release" not in done.words

    log = SqliteLog(shop / "log.sqlite")
    log.append([ActivationRecord(key="", at=1, what="model", name="", digest="newer", body=b"newer")])
    end = log.end()
    log.close()
    told = "another release or another model folded the records before position"
    assert f"{told} {end - 1};" in micromoments("replay", shop).words
    state.commit(msgspec.structs.replace(nothing, policies={"active:model": b"older"}))
    state.close()
    assert f"{told} {end};" in micromoments("replay", shop).words
