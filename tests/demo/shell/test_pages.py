"""The pages as files: one frame for all apps, two languages complete, nothing from elsewhere."""

from __future__ import annotations

import json
import re

import pytest

from micromoments.config import parse
from micromoments.demo import coffee, project, ride, shop
from micromoments.demo.coffee import app as coffee_app
from micromoments.demo.coffee import menu, promotions
from micromoments.demo.ride import app as ride_app
from micromoments.demo.ride import fares, places
from micromoments.demo.shell.face import SHARED, Face, found
from micromoments.demo.shop import app as shop_app

EXPORTED = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
FACES = {face.name: face for face in (coffee_app.FACE, ride_app.FACE, shop_app.FACE)}
MADE = {
    "coffee": [f"thing.{thing.sku}" for thing in menu.THINGS]
    + [f"option.{option}" for option in menu.OPTIONS]
    + [f"offer.{gives}" for gives in promotions.HOLDS],
    "ride": [f"kind.{kind.id}" for kind in fares.KINDS]
    + [f"sort.{spot.sort}" for spot in places.SPOTS]
    + [f"{part}.{step}" for part in ("step", "short") for step in ("looking", "coming", "arrived", "riding", "done")],
    "shop": [],
}
"""Texts whose names scripts make of what there is."""


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Face:
    """Each experience."""
    return FACES[request.param]


def texts(face: Face, language: str) -> dict[str, str]:
    """The catalogue of texts of a language, as the app gets it."""
    said: dict[str, str] = json.loads(face.files()[f"texts/{language}.json"])
    return said


def test_both_languages_are_complete(face: Face) -> None:
    """The same texts in both, with the same places to be filled, none empty."""
    english, german = texts(face, "en"), texts(face, "de")
    assert english.keys() == german.keys()
    for key, words in english.items():
        assert german[key].strip(), key
        if key != "cars.near":
            assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", german[key])), key


def test_every_text_that_pages_use_is_there(face: Face) -> None:
    """Texts named in an app's scripts, its own and the shared ones, and those made of what there is, are there."""
    there = texts(face, "en")
    scripts = b"".join(body for name, body in face.files().items() if name.endswith(".js")).decode()
    assert set(re.findall(r'\bt\("([\w.-]+)"', scripts)) - there.keys() <= {"map.label"}
    assert set(MADE[face.name]) <= there.keys()


def test_every_text_that_is_there_is_used(face: Face) -> None:
    """An app's own text stands in none of its scripts by chance: it is named, or made of a name and a thing."""
    scripts = b"".join(body for name, body in face.files().items() if name.endswith(".js")).decode()
    named = set(re.findall(r'"([\w.-]+)"', scripts)) | set(MADE[face.name])
    begun = tuple(set(re.findall(r"`([\w.-]+\.)\$\{", scripts)))
    own: dict[str, str] = json.loads(found(face.pages)["texts/en.json"])
    assert [key for key in own if key not in named and not key.startswith(begun)] == []


def test_scripts_import_what_is_there(face: Face) -> None:
    """Every name that a script imports from another is one that the other exports."""
    files = {name: body.decode() for name, body in face.files().items() if name.endswith(".js")}
    for name, script in files.items():
        for wanted, source in re.findall(r'^import \{ (.*?) \} from "\./([\w.]+)";', script, re.MULTILINE):
            given = set(
                re.findall(r"^export (?:async )?(?:function|const|let|class) (\w+)", files[source], re.MULTILINE)
            )
            for several in re.findall(r"^export (?:const )?\{ (.*?) \}", files[source], re.MULTILINE):
                given |= set(several.split(", "))
            assert set(wanted.split(", ")) <= given, f"{name} from {source}"


def test_nothing_comes_from_elsewhere(face: Face) -> None:
    """No page names another host, and nothing is inline that its policy forbids."""
    for name, body in face.files().items():
        if name.endswith((".js", ".css", ".html", ".webmanifest")):
            assert set(re.findall(r"https?://[\w.]+", body.decode())) <= {"http://www.w3.org"}, name
            assert " style=" not in body.decode(), name


def test_templates_are_filled(face: Face) -> None:
    """Both pages, the worker and the manifest say whose they are, with no place left open."""
    files = face.files()
    for name in ("index.html", f"{face.other}.html", "sw.js", "manifest.webmanifest"):
        assert "{{" not in files[name].decode(), name
        assert face.name in files[name].decode(), name
    assert b"manifest" not in files[f"{face.other}.html"]
    assert not {"page.html", f"{face.name}.html"} & files.keys()


def test_the_app_opens_without_a_network(face: Face) -> None:
    """The worker keeps every script, style and text of the app; the icons that the manifest names are there."""
    files = face.files()
    kept = json.loads(re.search(r"const FILES = (\[.*?\]);", files["sw.js"].decode())[1])  # type: ignore[index]
    wanted = {name for name in files if name.endswith((".js", ".css", ".json"))} - {"sw.js", f"{face.other}.js"}
    assert wanted <= set(kept)
    assert set(kept) - {"./"} <= files.keys()
    assert {icon["src"] for icon in json.loads(files["manifest.webmanifest"])["icons"]} <= files.keys()


def test_no_page_is_a_copy() -> None:
    """No two apps hold the same file, and none holds one that is shared."""
    own = [{name for name in found(face.pages) if name.endswith((".js", ".html"))} for face in FACES.values()]
    assert [names & found(SHARED).keys() for names in own] == [set(), set(), set()]
    bodies = [set(found(face.pages).values()) for face in FACES.values()]
    assert not bodies[0] & bodies[1] | bodies[0] & bodies[2] | bodies[1] & bodies[2]


def test_the_slots_are_ones_that_the_engine_knows() -> None:
    """The tables that the apps bring are read without a complaint, together and beside the demo's own."""
    settings = parse(project.settings("UTC", more=coffee.TABLES + ride.TABLES + shop.TABLES))
    assert {"ride_destinations", "ride_kinds", "ride_home", "shop_offers", "coffee_usual"} <= settings.slots.keys()
