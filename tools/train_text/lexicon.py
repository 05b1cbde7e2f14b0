"""The lists of words: those written here (``lists/``) and public ones (dariusk/corpora, CC0-1.0), as one lexicon."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from micromoments.recognise.features import CLASS, SMALL

LISTS = Path(__file__).parent / "lists"

OWN: dict[str, str] = {
    "product": "product", "brand": "brand", "model": "model", "attribute": "attribute", "deal": "deal",
    "retailer": "retailer", "place_kind": "place_kind", "chain": "chain", "cuisine": "cuisine",
    "place_name": "place_name",
    "do_verb": "do_verb", "do_verb_more": "do_verb", "task_object": "task_object", "dish": "dish",
    "ingredient": "ingredient",
    "know_topic": "know_topic", "know_thing": "know_thing", "person": "person", "company": "entity", "team": "entity",
    "event": "entity", "movie": "entity", "app": "device", "genre": "device", "animal": "animal", "disease": "disease",
    "first_name": "name", "life": "noun", "tech": "noun", "color": "attribute", "car": "brand", "airline": "chain",
    "theme": "adjective", "compound": "product",
}  # fmt: skip
"""List -> class."""

INLINE: dict[str, str] = {
    "device": """
    alarm timer reminder volume playlist song track album podcast radio music lights light lamp thermostat mute
    calendar meeting appointment schedule email inbox message messages text call contacts contact snooze brightness list
    note notes password account balance transfer payment card pin statement transaction deposit withdrawal top-up topup
    """,
    "time": """
    today tonight tomorrow now morning afternoon evening weekend monday tuesday wednesday thursday friday saturday
    sunday week month year january february march april may june july august september october november december noon
    midnight pm am o'clock hour hours minute minutes yesterday
    """,
    "near": """
    near nearby nearest closest close around local directions route navigate traffic address map distance drive
    downtown hours open closed reserve reservation booking book table parking location
    """,
    "unit": """
    dollars euros pounds usd eur gbp yen rupees pesos miles km kg lbs lb cm inches inch feet ft celsius fahrenheit
    cups ounces oz grams liters gallons ml meters gb tb mph percent calories size pack piece pair
    """,
    "food": """
    pizza burger burgers sushi tacos food lunch dinner breakfast brunch takeout takeaway sandwich noodles ramen
    coffee latte cappuccino donuts kebab wings fries groceries meal snack dessert beer wine cocktails
    """,
}
"""Class -> words that are no list of their own."""

CORPORA: tuple[tuple[str, str, str], ...] = (
    ("animals/common", "animals", "animal"), ("animals/dogs", "dogs", "animal"),
    ("foods/menuItems", "menuItems", "dish"), ("foods/fruits", "fruits", "ingredient"),
    ("foods/vegetables", "vegetables", "ingredient"), ("foods/herbs_n_spices", "herbs", "ingredient"),
    ("foods/herbs_n_spices", "spices", "ingredient"), ("foods/condiments", "condiments", "ingredient"),
    ("foods/breads_and_pastries", "breads", "dish"), ("foods/breads_and_pastries", "pastries", "dish"),
    ("foods/fish", "fish", "ingredient"), ("foods/iba_cocktails", "cocktails", "dish"),
    ("humans/celebrities", "celebrities", "person"), ("humans/scientists", "scientists", "person"),
    ("humans/britishActors", "britishActors", "person"), ("humans/authors", "authors", "name"),
    ("humans/firstNames", "firstNames", "name"), ("humans/lastNames", "lastNames", "name"),
    ("humans/bodyParts", "bodyParts", "noun"), ("humans/occupations", "occupations", "noun"),
    ("objects/clothing", "clothes", "product"), ("objects/objects", "objects", "noun"),
    ("technology/appliances", "appliances", "product"), ("music/instruments", "instruments", "product"),
    ("materials/fabrics", "fabrics", "attribute"), ("materials/metals", "metals", "attribute"),
    ("colors/xkcd", "colors", "attribute"), ("film-tv/tv_shows", "tv_shows", "entity"),
    ("geography/us_cities", "cities", "place_name"), ("geography/english_towns_cities", "towns", "place_name"),
    ("geography/english_towns_cities", "cities", "place_name"), ("geography/countries", "countries", "place_name"),
    ("medicine/drugs", "drugs", "disease"), ("medicine/symptoms", "symptoms", "disease"),
    ("sports/sports", "sports", "entity"), ("corporations/fortune500", "companies", "entity"),
    ("words/nouns", "nouns", "noun"), ("words/adjs", "adjs", "adjective"), ("plants/flowers", "flowers", "noun"),
    ("games/board_games", "games", "product"), ("words/infinitive_verbs", "", "do_verb"),
    ("foods/verbs", "verbs", "do_verb"),
)  # fmt: skip
"""File under ``data/`` of the clone, key (empty: the file is the list), class."""
COMMANDS = frozenset(
    """
    play turn switch call text send remind add cancel snooze mute unmute pause resume skip rate schedule transfer email
    tweet post check open close wake put repeat lower raise dim start stop show read tell ask find look get set give
    move pay
    """.split()  # noqa: SIM905 - a list of words reads as words
)
"""Verbs of device commands: no sign of a task when they come first."""
CORPORA_COMMIT = "cf30ca27ab176b63623af1ddcfa2447ac07305ba"

_CLEAN = re.compile(r"\s*\(.*?\)|[,:;\"].*")


@cache
def own(name: str) -> tuple[str, ...]:
    """The entries of one list written here, in order, without doubles."""
    lines = [line for line in (LISTS / f"{name}.txt").read_text().splitlines() if not line.startswith("#")]
    entries = [e.strip().lower() for line in lines for e in line.split(",")]
    return tuple(dict.fromkeys(e for e in entries if e))


def _names(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield next((str(value[k]) for k in ("name", "city", "color", "present") if k in value), "")


@cache
def public(clone: Path, file: str, key: str) -> tuple[str, ...]:
    """The entries of one list of a clone of dariusk/corpora, lower case, of at most three words."""
    data = json.loads((clone / "data" / f"{file}.json").read_text(encoding="utf-8"))
    cleaned = (_CLEAN.sub("", name).strip().lower() for name in _names(data[key] if key else data))
    return tuple(dict.fromkeys(e for e in cleaned if 1 < len(e) < 40 and len(e.split()) <= 3))


def build(clone: Path) -> dict[int, int]:
    """CRC-32 of each word or pair of words -> bit set of its classes. Lists written here win over public ones."""
    found: dict[str, int] = {}

    def put(entry: str, kind: str) -> None:
        words = entry.split()
        if len(words) <= 2 and entry not in SMALL and len(entry) > 1:
            found[entry] = found.get(entry, 0) | 1 << CLASS[kind]

    for name, kind in OWN.items():
        for entry in own(name):
            put(entry, kind)
    for kind, words in INLINE.items():
        for word in words.split():
            put(word, kind)
    reviewed = set(found)
    for file, key, kind in CORPORA:
        for entry in public(clone, file, key):
            if entry not in reviewed or kind == "do_verb":
                put(entry, kind)
    for word in COMMANDS:
        found[word] = found.get(word, 0) & ~(1 << CLASS["do_verb"]) | 1 << CLASS["device"]
    return {crc32(entry.encode()): bits for entry, bits in sorted(found.items())}
