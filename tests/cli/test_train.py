"""``micromoments train``: learned from the log, examined on its newest part, put in force, and taken back."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import Request, urlopen

import pytest

import micromoments as mm
from micromoments.core.event import Millis
from micromoments.core.settings import Settings
from tests.cli.commands import micromoments
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.test_real import address_of, server

T0: Millis = 1_790_000_000_000
MEANS = {
    "Sneaker Peeked": ("Product Added", {"product_id": "p1"}),
    "Lore Hovered": ("Article Viewed", {}),
    "Banner Rotated": None,
}


def visits(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Visits of a shop whose own event names are followed, mostly, by what they mean."""
    random, at = Random(seed), T0
    calls: list[dict[str, Any]] = []
    for number in range(count):
        at += random.randrange(60_000, 120_000)
        name, who = random.choice([*MEANS, "Banner Rotated"]), f"v{random.randrange(300)}"
        did: list[tuple[str, dict[str, Any]]] = [(name, {})] * random.choice([1, 2])
        if (next_ := MEANS[name]) is not None and random.random() < 0.8:
            did.append(next_)
        for n, (event, properties) in enumerate(did):
            calls.append(
                {
                    "type": "track",
                    "messageId": f"m{number}-{n}",
                    "anonymousId": who,
                    "event": event,
                    "properties": properties,
                    "timestamp": datetime.fromtimestamp((at + 9_000 * n) / 1000, UTC).isoformat(),
                }
            )
    return calls


def ask(folder: Path, event: str) -> mm.Moment | None:
    """The moment of someone new who did one thing."""
    with mm.open(folder) as engine:
        engine.track(f"new {event}", event)
        return engine.moment(f"new {event}")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some days of that shop."""
    folder = tmp_path_factory.mktemp("train") / "shop"
    clock = [T0]
    with mm.open(folder, clock=lambda: clock[0]) as engine:
        for call in visits(1500):
            clock[0] = max(clock[0], int(datetime.fromisoformat(call["timestamp"]).timestamp() * 1000))
            engine.collect([call])
    return folder


@pytest.fixture
def shop(lived: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(lived, tmp_path / "shop", ignore=shutil.ignore_patterns("lock", "*-shm"))
    return tmp_path / "shop"


def test_unknown_names_are_learned_from_what_follows(shop: Path) -> None:
    """Names that nobody explained open the moment of what people do after them, say so, and the replay still agrees."""
    done = micromoments("train", shop, "--format", "json")

    found = json.loads(done.out)
    assert done.status == 0
    assert found["activated"]
    assert found["better"]
    assert found["new"]["log_loss"] < found["base_rates"]["log_loss"]
    assert found["low"] > 0
    assert "in force" in done.words
    sneaker, lore = ask(shop, "Sneaker Peeked"), ask(shop, "Lore Hovered")
    assert sneaker is not None
    assert sneaker.type == "buy"
    assert sneaker.evidence[0].text == 'did "Sneaker Peeked" just now'
    assert lore is not None
    assert lore.type == "know" or lore.probabilities["know"] > 0.4
    replayed = micromoments("replay", shop)
    assert replayed.status == 0, replayed.out


def test_rollback_puts_back_what_was(shop: Path) -> None:
    """One command puts the weights before back; what nobody explained says nothing again, and the replay agrees."""
    assert micromoments("train", shop).status == 0
    assert ask(shop, "Sneaker Peeked") is not None

    done = micromoments("train", shop, "--rollback")

    assert done.status == 0
    assert "shipped weights are in force again" in done.words
    with mm.open(shop) as engine:
        engine.track("another", "Sneaker Peeked")
        assert engine.moment("another") is None
    assert micromoments("replay", shop).status == 0
    assert "none came before" in micromoments("train", shop, "--rollback").words


def test_a_dry_run_changes_nothing(shop: Path) -> None:
    """With --dry-run the table is told and nobody notices."""
    done = micromoments("train", shop, "--dry-run")

    assert done.status == 0
    assert "nothing was changed" in done.words
    assert "sneaker peeked" in done.out
    assert ask(shop, "Sneaker Peeked") is None


def test_trained_again_on_the_same_it_is_not_better(shop: Path) -> None:
    """What was learned already is no gain: the weights in force stay, unless forced."""
    assert micromoments("train", shop).status == 0

    again = micromoments("train", shop)

    assert again.status == 0
    assert "not better" in again.words
    assert "weights in force stay" in again.words


def test_too_little_is_said(tmp_path: Path) -> None:
    """A log of a few events is refused in words, and a folder without a log is a mistake of usage."""
    with mm.open(tmp_path / "shop", Settings()) as engine:
        engine.track("a", "Product Viewed")

    done = micromoments("train", tmp_path / "shop")

    assert done.status == 1
    assert "wanted 1000" in done.words
    assert micromoments("train", tmp_path / "nowhere").status == 2


def test_who_refused_teaches_nothing(shop: Path) -> None:
    """A person who says no to being measured takes what they did out of what is learned from."""
    before = json.loads(micromoments("train", shop, "--dry-run", "--format", "json").out)["weights"]["events"]
    with mm.open(shop) as engine:
        for n in range(300):
            engine.track(f"anon:v{n}", "Consent Updated", {"measure": False})

    done = micromoments("train", shop, "--dry-run", "--format", "json")

    assert before > 0
    assert done.status == 1
    assert "wanted" in done.words


@pytest.mark.crash
def test_a_serving_folder_is_trained_through_its_server(shop: Path) -> None:
    """While a server has the folder, training hands it the weights, they are in force there, and go back."""
    keys = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}
    with server(shop, "--port", "0", **keys) as process:
        address, _ = address_of(process)

        def in_force() -> int:
            asked = Request(f"{address}/v1/weights", headers={"authorization": f"Bearer {SECRET_KEY}"})
            found: int = json.load(urlopen(asked))["number"]
            return found

        assert in_force() == 0
        done = micromoments("train", shop)
        assert (done.status, "weights 1 are in force" in done.words) == (0, True), done.words
        assert in_force() == 1
        assert "shipped weights are in force again" in micromoments("train", shop, "--rollback").words
        assert in_force() == 0
