"""The text model: what it says, how it behaves while one types, and what it was trained on."""

from __future__ import annotations

import json
import math
import pkgutil
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.moment import TYPES
from micromoments.recognise.batch import recognise_lines
from micromoments.recognise.features import cue_rows, tokens
from micromoments.recognise.text import EMPTY, TextModel

MODEL = TextModel.load()
FREE = {"CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "Apache-2.0", "MIT"}


def best(query: str) -> str:
    """The likeliest type of a query."""
    p = MODEL.probabilities(query)
    return TYPES[p.index(max(p))]


def shipped(name: str) -> bytes:
    """A file that ships beside the model."""
    data = pkgutil.get_data("micromoments.recognise", f"data/{name}")
    assert data is not None
    return data


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("capital of peru", "know"),
        ("boiling point water", "know"),
        ("who won euro 2024", "know"),
        ("what is photosynthesis", "know"),
        ("weather tomorrow in london", "know"),
        ("starbucks open now", "go"),
        ("coffee near me", "go"),
        ("directions to the airport", "go"),
        ("book a table for two tonight", "go"),
        ("24 hour pharmacy nearby", "go"),
        ("how to fix a leaking tap", "do"),
        ("Replacing a bathroom faucet", "do"),
        ("chicken tikka masala recipe", "do"),
        ("install a ceiling fan", "do"),
        ("nike pegasus 41 size 10", "buy"),
        ("usb c hub", "buy"),
        ("cheap running shoes", "buy"),
        ("track my order", "buy"),
        ("order a pizza", "buy"),
        ("iphone 15 case", "buy"),
        ("set an alarm for 7", "none"),
        ("tell me a joke", "none"),
        ("turn off the lights", "none"),
        ("thanks", "none"),
    ],
)
def test_reads_the_type(query: str, kind: str) -> None:
    """Plain queries of each type are read as that type."""
    assert best(query) == kind


@given(st.text(max_size=120))
def test_probabilities_sum_to_one(query: str) -> None:
    """Whatever is typed, five probabilities in [0, 1] at six digits sum to 1."""
    p = MODEL.probabilities(query)

    assert len(p) == 5
    assert all(0.0 <= x <= 1.0 for x in p)
    assert abs(sum(float(f"{x:.6f}") for x in p) - 1.0) < 1e-6


@given(st.text(max_size=60))
def test_equal_without_the_cache(query: str) -> None:
    """The cache of words changes speed only: a model that forgot all words answers the same."""
    before = MODEL.loglik(query)
    MODEL._seen.clear()

    assert MODEL.loglik(query) == before


def test_empty_is_mostly_none() -> None:
    """No words, no moment: the answer for an empty line is the prior of events without words."""
    assert MODEL.probabilities("") == MODEL.probabilities("  !  ") == EMPTY
    assert MODEL.loglik("") == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_rises_by_the_keystroke() -> None:
    """While "how to fix a leaking tap" is typed, do rises from a chance through likely to near certainty."""
    words = ["how", "how to", "how to fix", "how to fix a", "how to fix a leaking", "how to fix a leaking tap"]
    do = [MODEL.probabilities(w)[2] for w in words]

    assert best("how") in {"know", "none"}
    assert do[0] < 0.35
    assert do[1] > 0.5
    assert min(do[2:]) > max(0.8, do[1])
    assert do[-1] > 0.9


def test_cheap_swings_to_buy() -> None:
    """Adding "cheap" and "kit" to the same need swings it from do to buy."""
    assert best("fix leaking tap") == "do"
    assert best("cheap leaking tap repair kit") == "buy"


@pytest.mark.parametrize(
    "query",
    [
        "how to fix a leaking tap cheap",
        "cheap how to fix a leaking tap",
        "fix a leaking tap cheap",
        "how to unclog a sink cheap",
        "cheap how to paint a fence",
        "how to paint a fence under $50",
        "how to fix a leaking tap price",
        "what is a torque wrench cheap",
    ],
)
def test_words_of_price_turn_a_phrase_to_buy(query: str) -> None:
    """A word of price at either end of a task or a question makes the action likeliest."""
    assert best(query) == "buy"


def test_half_a_word_of_price_changes_nothing() -> None:
    """Until "cheap" is typed whole, the task stays a task; then cheap is what tells, for buy."""
    task = "how to fix a leaking tap"

    assert {best(f"{task} {part}") for part in ("c", "ch", "che", "chea")} == {"do"}
    assert MODEL.telling(f"{task} cheap")[0][:2] == ("cheap", "buy")
    assert MODEL.telling(f"cheap {task}")[0][:2] == ("cheap", "buy")


@pytest.mark.parametrize("query", ["cheap dinner recipes", "cheap easy meals", "how to make a cheap dinner"])
def test_thrift_in_the_kitchen_stays_do(query: str) -> None:
    """Cheap cooking is cooking."""
    assert best(query) == "do"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("why does my tap drip", "know"),
        ("why is my car shaking", "know"),
        ("why are my leaves turning yellow", "know"),
        ("why does my back hurt", "know"),
        ("what causes hiccups", "know"),
        ("what causes a tap to drip", "know"),
        ("is it normal that my boiler whistles", "know"),
        ("why is beef cheap", "know"),
        ("why was my payment declined", "none"),
    ],
)
def test_asking_why_is_know(query: str, kind: str) -> None:
    """Asking for a cause is a question to know; an account chore stays none."""
    assert best(query) == kind


@pytest.mark.parametrize("word", ["coffee", "burger", "running", "sourdough"])
def test_the_first_letters_leave_all_open(word: str) -> None:
    """While a first word is typed no type is likelier than not: letters may become anything."""
    for size in range(1, len(word) - 1):
        assert max(MODEL.probabilities(word[:size])) < 0.5, word[:size]


@pytest.mark.parametrize("query", ["wie wird das wetter morgen", "zapatillas para correr baratas", "qzx vrrk plonf"])
def test_unsure_where_it_knows_nothing(query: str) -> None:
    """Other languages and gibberish leave the answer wide: no type above 0.75."""
    assert max(MODEL.probabilities(query)) < 0.75


@pytest.mark.parametrize("title", ["Erase Ubuntu", "Open a Coconut", "Throw a Knuckleball", "Stop a Nosebleed"])
def test_a_title_speaks_for_a_task(title: str) -> None:
    """Instructions written as a title are a task, though their verbs are those of device commands too."""
    assert best(title) == "do"
    assert MODEL.probabilities(title)[2] > MODEL.probabilities(title.lower())[2]


@pytest.mark.parametrize("query", ["Set an alarm for 7", "Weather tomorrow in london", "USB C HUB", "Nike Pegasus 41"])
def test_capitals_alone_are_no_task(query: str) -> None:
    """A capital at the beginning, capitals throughout and names don't turn a command, a question or a product."""
    assert best(query) == best(query.lower()) != "do"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("runnning shoes mens size 10", "buy"),
        ("runing sheos", "buy"),
        ("iphnoe 15 csae", "buy"),
        ("restarant near me", "go"),
        ("how to fix a leakign tap", "do"),
        ("capitla of peru", "know"),
    ],
)
def test_a_slip_of_the_finger_changes_little(query: str, kind: str) -> None:
    """Misspelt queries keep their type."""
    assert best(query) == kind


def test_a_misspelt_word_is_still_an_unknown_one() -> None:
    """What was meant is read, and the answer stays wider than if it had been typed so."""
    assert 0.5 < MODEL.probabilities("runing sheos")[3] < MODEL.probabilities("running shoes")[3]


def test_telling_words() -> None:
    """The words that tell are told with their type and weight, strongest first."""
    told = MODEL.telling("cheap leaking tap repair kit")

    assert ("cheap", "buy") in {(word, kind) for word, kind, _ in told}
    assert [weight for _, _, weight in told] == sorted((weight for _, _, weight in told), reverse=True)
    assert len(told) <= 5
    assert MODEL.telling("") == ()


@pytest.mark.parametrize(
    ("query", "words", "kind"),
    [
        ("how to fix a leaking tap", {"how", "to", "fix"}, "do"),
        ("how to unclog a sink", {"how", "to", "unclog"}, "do"),
        ("trail running shoes near me", {"near"}, "go"),
        ("cheap tap repair kit", {"cheap"}, "buy"),
        ("why does my tap drip", {"why"}, "know"),
    ],
)
def test_tells_the_words_that_a_person_would_point_at(query: str, words: set[str], kind: str) -> None:
    """The words that make a query what it is are told for its type; articles aren't told."""
    told = MODEL.telling(query)

    assert words <= {word for word, type_, _ in told if type_ == kind}
    assert told[0][0] in words
    assert not {"a", "the"} & {word for word, _, _ in told}


def test_loglik_is_relative() -> None:
    """Log-likelihoods are centred: a uniform posterior would be all zeros, and exp of them averages to one."""
    found = MODEL.loglik("usb c hub")

    assert sum(math.exp(x) for x in found) / 5 == pytest.approx(1.0, abs=1e-3)
    assert max(found) == found[3]


def test_lines_keep_their_place() -> None:
    """Each line, empty or not, gives one JSON line with its query as typed."""
    lines = [json.loads(line) for line in recognise_lines(["usb c hub\n", "\n", "caf\u00e9 \u201cnoir\u201d"])]

    assert [line["query"] for line in lines] == ["usb c hub", "", "caf\u00e9 \u201cnoir\u201d"]
    assert lines[1]["none"] == 0.6
    assert all(abs(sum(line[t] for t in TYPES) - 1) < 1e-6 for line in lines)


def test_long_queries_cost_no_more() -> None:
    """Only the first words of an endless query are read."""
    assert len(tokens("shoes " * 10_000)) <= 24
    assert MODEL.probabilities("shoes " * 10_000) == MODEL.probabilities("shoes " * 500)


def test_cues_are_rows_of_the_table() -> None:
    """Cue rows come sorted and once each, as exact sums need."""
    texts = tokens("how to fix a leaking tap?")
    rows = cue_rows([MODEL._word(t)[0] for t in texts], {})

    assert rows == sorted(set(rows))


def test_weights_of_another_format_are_refused() -> None:
    """A table of the wrong shape is refused with what was wanted."""
    with pytest.raises(ValueError, match="wanted"):
        TextModel(MODEL._weights[:10], {}, {}, frozenset())


def test_manifest_names_free_licences_only() -> None:
    """What ships was trained on CC0, CC BY, Apache, MIT and own text only; the manifest is of these weights."""
    said = json.loads(shipped("MANIFEST.json"))

    assert said["sha256"] == MODEL.digest
    assert {source["licence"] for source in said["sources"]} <= FREE
    assert not {source["name"] for source in said["sources"]} & {"sgd", "unimobile"}
    assert set(said["never_trained_on"]) == {"sgd", "unimobile"}


def test_notice_names_every_source() -> None:
    """Whatever the weights were made of, our own text apart, NOTICE attributes by the name of its origin."""
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8").replace("\n  ", " ")
    told = json.loads(shipped("MANIFEST.json"))["sources"]
    names = [re.split(r"[ ,(]", source["origin"])[0] for source in told if source["name"] != "own text"]

    assert [name for name in names if name.rpartition("/")[2].lower() not in notice.lower()] == []


def test_weights_are_small() -> None:
    """The weights stay below 3 MB."""
    assert len(shipped("text.npz")) < 3_000_000
