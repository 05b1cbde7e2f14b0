"""The pages as files: two languages complete, every text there, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

from micromoments.config import parse
from micromoments.demo import project, ride
from micromoments.demo.ride import fares, places

PAGES = Path(ride.__file__).parent / "pages"
TEXTS = {name: json.loads((PAGES / "texts" / f"{name}.json").read_text("utf-8")) for name in ("en", "de")}


def test_both_languages_are_complete() -> None:
    """The same texts in both, with the same places to be filled, none empty."""
    assert TEXTS["en"].keys() == TEXTS["de"].keys()
    for key, english in TEXTS["en"].items():
        german = TEXTS["de"][key]
        assert german.strip(), key
        if key != "cars.near":
            assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", german)), key


def test_every_text_that_pages_use_is_there() -> None:
    """Texts named in the scripts, and those made of states, kinds and sorts, are in the catalogue."""
    scripts = "".join(file.read_text("utf-8") for file in PAGES.glob("*.js"))
    named = set(re.findall(r'\bt\("([a-z.]+)"', scripts))
    assert named <= TEXTS["en"].keys()
    made = {f"kind.{kind.id}" for kind in fares.KINDS} | {f"sort.{spot.sort}" for spot in places.SPOTS}
    made |= {
        f"{part}.{step}" for part in ("step", "short") for step in ("looking", "coming", "arrived", "riding", "done")
    }
    assert made <= TEXTS["en"].keys()


def test_nothing_comes_from_elsewhere() -> None:
    """No page names another host, and nothing is inline that its policy forbids."""
    for file in [*PAGES.glob("*.js"), *PAGES.glob("*.html"), *PAGES.glob("*.css")]:
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), file.name
        assert " style=" not in text, file.name


def test_the_slots_are_ones_that_the_engine_knows() -> None:
    """The tables that the app brings are read without a complaint, beside the demo's own."""
    settings = parse(project.settings("UTC", more=ride.TABLES))
    assert {"ride_destinations", "ride_kinds", "ride_home"} <= settings.slots.keys()
