"""The reviewed mapping of public intents to types."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from micromoments.core.moment import TYPES
from tools.train_text.sources import FREE, mapping

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("MICROMOMENTS_SHARED", ROOT.parent / "shared")) / "data" / "queries"
MANIFEST = ROOT / "src" / "micromoments" / "recognise" / "data" / "MANIFEST.json"
BY_INTENT = ("clinc150", "hwu64", "snips2017", "banking77", "sgd", "unimobile")


def mapped(name: str) -> list[str]:
    """All intents of a source that speak for a type."""
    return [intent for kind in TYPES for intent in mapping()[name][kind]]


def left_out(name: str) -> list[str]:
    """All intents of a source that were left out."""
    return [intent for intents in mapping()[name]["left_out"] for intent in intents.split()]


def test_only_free_sources_train() -> None:
    """What trains the weights that ship has a free licence; share-alike and unstated sources are for measuring."""
    roles = {name: (spec["role"], spec["licence"]) for name, spec in mapping().items()}

    assert all(licence in FREE for role, licence in roles.values() if role == "train")
    assert roles["sgd"][0] == roles["unimobile"][0] == "test"


def test_nothing_else_is_in_the_weights() -> None:
    """What ships is made of the sources that may train, the word lists and own text: no weights of others."""
    told = json.loads(MANIFEST.read_bytes())["sources"]
    trained = {name for name, spec in mapping().items() if spec["role"] == "train"}

    assert {source["name"] for source in told} == trained | {"corpora", "own text"}
    assert {source["licence"] for source in told} <= FREE


@pytest.mark.parametrize("name", BY_INTENT)
def test_each_intent_once(name: str) -> None:
    """No intent speaks for two types, and none is both mapped and left out."""
    intents = mapped(name) + left_out(name)

    assert len(intents) == len(set(intents))


@pytest.mark.parametrize("name", BY_INTENT)
def test_every_left_out_intent_has_its_reason(name: str) -> None:
    """What was left out says why."""
    assert all(reason.strip() for reason in mapping()[name]["left_out"].values())


@pytest.mark.parametrize("name", BY_INTENT)
def test_nothing_is_forgotten(name: str) -> None:
    """Every intent of the source's file is either mapped or left out with a reason."""
    path = SHARED / mapping()[name]["file"]
    if not path.exists():
        pytest.skip(f"needs {path.name}: name the shared data's folder in MICROMOMENTS_SHARED")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        column = 0 if name == "unimobile" else 1
        there = {line.split("\t")[column] for i, line in enumerate(lines) if i}

    assert there == set(mapped(name)) | set(left_out(name))
