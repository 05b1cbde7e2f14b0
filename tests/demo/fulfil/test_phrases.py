"""What the engine says in English has words in the German apps: reasons, evidence, and their ages."""

from __future__ import annotations

import json
import re

import pytest

from micromoments.core.moment import Need, Signal
from micromoments.demo.shell.face import SHARED
from micromoments.policy import features
from micromoments.recognise.words import REASONS, reason, say
from micromoments.retrieve import reasons

PAGE = (SHARED / "phrases.js").read_text(encoding="utf-8")
FOUND = re.search(r"export const DE = (\{.*?\n\});", PAGE, re.DOTALL)
GERMAN: dict[str, str] = json.loads(FOUND[1] if FOUND else "{}")
SHAPES = [re.compile(re.sub(r"\\\{\w+\\\}", "(.+)", re.escape(english))) for english in GERMAN]
AGE = re.compile(r",? (just now|\d+ s ago|\d+ min ago|\d+ h ago)$")


def has_words(said: str) -> bool:
    """Whether a phrase of the engine's is one of the table's."""
    return any(shape.fullmatch(said) for shape in SHAPES)


def test_the_same_is_filled_in_both() -> None:
    """Each German phrase is there, and carries over exactly what the English one holds."""
    assert len(GERMAN) > 60
    for english, german in GERMAN.items():
        assert german.strip(), english
        assert sorted(re.findall(r"\{\w+\}", german)) == sorted(re.findall(r"\{\w+\}", english)), english


@pytest.mark.parametrize("code", sorted(REASONS))
@pytest.mark.parametrize("age", [0, 40_000, 600_000, 10_000_000])
@pytest.mark.parametrize("words", ["", "flat white"])
def test_every_piece_of_evidence_has_words(code: str, age: int, words: str) -> None:
    """What the recogniser can say of an event, with and without a name for the thing, and however old, is known."""
    said = say(reason(Signal((0, 0, 0, 0, 0), code, Need(query=words, words=words), metres=450)), age)
    assert AGE.search(said), said
    assert has_words(AGE.sub("", said)), said


def test_every_reason_has_words() -> None:
    """What retrieval and a policy can give as a reason is known."""
    said = [reasons.matches("tea"), reasons.matches(""), reasons.answers("tea"), reasons.looked_at("Tea")]
    said += [reasons.bought_with("Tea"), reasons.bought_before(3)]
    for of in (reasons.popular, reasons.popular_here, reasons.less_known):
        said += [of("Tea"), of("")]
    for mode in ("foot", "bike", "car"):
        for seconds in (300, 90_000):
            said += [
                reasons.way(2000, seconds, True, 0, "UTC", mode),
                reasons.way(2000, seconds, False, 0, "UTC", mode),
            ]
            said.append(reasons.way(2000, seconds, True, 1_700_000_000_000, "UTC", mode))
    said += features.WORDS.values()
    assert [one for one in said if not has_words(one)] == []
