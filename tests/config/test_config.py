"""The configuration: read whole, or refused with file, line, what was got and what was wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.config import ConfigError, json_schema, load, load_keys, parse, silent_changes, starter, with_slot
from micromoments.config.cluster import parted
from micromoments.config.positions import line_numbers
from micromoments.core.settings import Experiment, Settings
from tests.conftest import ROOT

WHOLE = """
name = "corner"
timezone = "Europe/Berlin"
currency = "EUR"
origins = ["https://shop.example", "*"]
consent = ["measure"]
synonyms = { sneaker = ["trainer", "running shoe"] }

[slots.home]
kinds = ["product", "offer"]
goal = "order"
holdout = 0.1

[[slots.home.caps]]
times = 3

[[slots.home.caps]]
times = 1
by = "campaign"

[goals.order]
event = "Order Completed"
value = "revenue"

[experiments.hero]
slot = "home"
variants = { control = 1, treatment = 1.5 }

[budgets.spring]
units = 100

[recognition.half_life]
buy = 45

[keys]
write = { env = "KEY" }
"""


def mistakes(text: str) -> list[tuple[int, str]]:
    """The line and the setting of every mistake of a text."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "shop.toml")
    return [(mistake.line, mistake.setting) for mistake in caught.value.mistakes]


def test_a_folder_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    """The configuration is optional."""
    assert load(tmp_path) == Settings()


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """Every table of a file arrives in the settings, the keys' table aside, and what is left out keeps its default."""
    (tmp_path / "micromoments.toml").write_text(WHOLE, encoding="utf-8")
    settings = load(tmp_path)
    assert settings.slot("home").holdout == 0.1
    assert [cap.by for cap in settings.slot("home").caps] == ["item", "campaign"]
    assert settings.experiments["hero"].variants == {"control": 1, "treatment": 1.5}
    assert settings.recognition.half_life == {"know": 8.0, "go": 15.0, "do": 30.0, "buy": 45}
    assert settings.synonyms == {"sneaker": ("trainer", "running shoe")}
    assert load(tmp_path / "micromoments.toml") == settings


@pytest.mark.parametrize(
    ("text", "line", "setting"),
    [
        ('limit = 1\n[slots.home]\nlimit = "3"', 3, "slots.home.limit"),
        ("[slots.home]\nkinds = ['product', 'produkt']", 2, "slots.home.kinds.1"),
        ("[slots.home]\n\nlimt = 3", 3, "slots.home.limt"),
        ("[[slots.home.caps]]\ntimes = 1\n[[slots.home.caps]]\ntimes = 'x'", 4, "slots.home.caps.1.times"),
        ("[[slots.home.caps]]\nhours = 1", 1, "slots.home.caps.0"),
        ("[goals.order]\nvalue = 2", 1, "goals.order"),
        ("[goals.order]\nevent = 'Order'\nvalue = true", 3, "goals.order.value"),
        ('name = """\n[slots]\n"""\ncurrency = "euro"', 4, "currency"),
        ('timezone = "Mars/Olympus"', 1, "timezone"),
        ("origins = ['https://shop.example/path']", 1, "origins.0"),
        ("[slots.home]\nholdout = 1", 2, "slots.home.holdout"),
        ("[slots.home]\nholdout = nan", 2, "slots.home.holdout"),
        ("[slots.home]\nlimit = 0", 2, "slots.home.limit"),
        ("[slots.home]\nlimit = true", 2, "slots.home.limit"),
        ("[slots.home]\nkinds = []", 2, "slots.home.kinds"),
        ("[slots.home]\ngoal = 'ordr'", 2, "slots.home.goal"),
        ("[slots.home]\npolicy = 'adaptiv'", 2, "slots.home.policy"),
        (
            "[experiments.e]\nslot = 'home'\nvariants = { a = 1, b = 1 }\npolicies = { a = 'rulez' }",
            4,
            "experiments.e.policies.a",
        ),
        ("[slots.home]\nwindow_minutes = 0", 2, "slots.home.window_minutes"),
        ("[experiments.e]\nslot = 'home'\nvariants = { a = 1 }", 3, "experiments.e.variants"),
        (
            "[experiments.e]\nslot = 'home'\nvariants = { a = 1, b = 1 }\npolicies = { c = 'rules' }",
            4,
            "experiments.e.policies.c",
        ),
        ("[budgets.b]\nunits = -1", 2, "budgets.b.units"),
        ("[recognition]\nhalf_life = { by = 3 }", 2, "recognition.half_life.by"),
        ("[recognition]\nthreshold = 1.0", 2, "recognition.threshold"),
        ("[intake]\ninternal_ips = ['300.1.1.1']", 2, "intake.internal_ips.0"),
        ("[retention]\nlog_days = 0", 2, "retention.log_days"),
        ("[retention]\npeople_days = 1e300", 2, "retention.people_days"),
        ("[slots.home]\nwindow_minutes = 1e15", 2, "slots.home.window_minutes"),
        ("[recommend]\ntrain_hours = 1e9", 2, "recommend.train_hours"),
        (f"[slots.home]\nwindow_minutes = 1{'0' * 400}", 2, "slots.home.window_minutes"),
        ("[budgets.b]\n\nunits = 9223372036854775808", 3, "budgets.b.units"),
        ("[goals.g]\nevent = 'E'\nwhere = { n = [1, -9223372036854775809] }", 3, "goals.g.where.n.1"),
        (f"name = 1{'0' * 5000}", 0, ""),
        ("slots = 3", 1, "slots"),
        ("name = 'a'\n[slot.home]\nlimit = 3", 2, "slot"),
        ("slot.home.limit = 3", 1, "slot"),
        ("[slots.home]\ncondition = { age = { '$gtt' = 18 } }", 2, "slots.home.condition.age.$gtt"),
        ("[slots.home]\ncondition = { '$or' = 5 }", 2, "slots.home.condition.$or"),
        ("[slots.home]\ncondition = { '$xor' = [] }", 2, "slots.home.condition.$xor"),
        ("[slots.home]\ncondition = { '$not' = 'x' }", 2, "slots.home.condition.$not"),
        (
            "[slots.home]\ncondition = { '$and' = [{ tags = { '$elemMatch' = { '$in' = 'x' } } }] }",
            2,
            "slots.home.condition.$and.0.tags.$elemMatch.$in",
        ),
        ("[rules.r]\naction = 'pin'\nwhere = { id = { '$regex' = '(' } }", 3, "rules.r.where.id.$regex"),
        ("name = 'a'\nname = 'b'", 2, ""),
        ("name = ", 1, ""),
    ],
)
def test_a_mistake_has_its_line(text: str, line: int, setting: str) -> None:
    """A wrong type, an unknown or missing setting, an impossible value and broken TOML are each found on their line."""
    assert (line, setting) in mistakes(text)


def test_every_mistake_is_told_at_once() -> None:
    """Several mistakes come together, in the order of their lines."""
    assert mistakes("nam = 1\n[slots.home]\nlimit = 'x'\nmode = 'on'") == [
        (1, "nam"),
        (3, "slots.home.limit"),
        (4, "slots.home.mode"),
    ]


def test_a_mistake_says_what_to_do() -> None:
    """The message names file, line, what was got, what was wanted, and the likely meaning."""
    with pytest.raises(ConfigError) as caught:
        parse("[slots.home]\nholduot = 0.1", "shop.toml")
    said = str(caught.value)
    assert said.startswith("shop.toml:2: slots.home.holduot: got a setting that is not known; wanted one of kinds, ")
    assert said.endswith("did you mean holdout?")
    with pytest.raises(
        ConfigError, match=r'got "adaptiv" \(text\); wanted one of adaptive, .*; did you mean adaptive\?'
    ):
        parse("[slots.home]\npolicy = 'adaptiv'")


def test_what_stands_twice_is_said() -> None:
    """A setting, or a table, that stands in the file a second time is named in words, not in the parser's."""
    with pytest.raises(ConfigError, match=r":3: got a setting that its table has already; wanted TOML"):
        parse("[slots.home]\nlimit = 1\nlimit = 2\n")
    with pytest.raises(ConfigError, match=r":2: got the table \[slots.home\] a second time; wanted TOML"):
        parse("[slots.home]\n[slots.home]\n")
    with pytest.raises(ConfigError, match="got nan; wanted a number that is finite"):
        parse("[slots.home]\nholdout = nan")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[slots.home\nlimit = 3", ":1: got no ']' at the end of a table declaration; wanted TOML"),
        ("slots:\n  home:", ":1: got no '=' after a key in a key/value pair; wanted TOML; write key = value"),
        ("name = \u201cshop\u201d", ":1: got what is no value; wanted TOML; write straight quotes"),
        ("name = shop", ":1: got what is no value; wanted TOML; write text in quotes"),
        (
            "[slots.home]\nholdout = 5",
            ":2: slots.home.holdout: got 5; wanted at least 0 and under 1; write 0.05 for 5 %",
        ),
        ("[slots.home]\nholdout = -5", "got -5; wanted at least 0 and under 1"),
        ("[slots.home]\nlimit = 0", "got 0; wanted at least 1"),
        ("[slots.home]\ncaps = 3", "got 3 (a whole number); wanted a list of tables; write [[slots.home.caps]] on"),
        (
            "[experiments.x]\nslot = 'home'\nvariants = ['a', 'b']",
            "wanted a table; write variants = { a = ..., b = ... }",
        ),
    ],
)
def test_a_common_slip_is_told_how_to_mend_it(text: str, said: str) -> None:
    """What people write who come from YAML, a word processor or percent signs is answered with what to write."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert said in str(caught.value)


def test_every_operator_that_is_there_may_be_used() -> None:
    """GrowthBook's operators, joined and nested, are no mistakes."""
    condition = """{ "$or" = [{ age = { "$gte" = 18, "$lt" = 30 } }, { "$not" = { country = "FI" } }],
      version = { "$vgt" = "1.2" }, tags = { "$elemMatch" = { "$regexi" = "^a" } },
      name = { "$not" = { "$in" = ["x"] } }, plan = { "$exists" = true },
      cart = { "$size" = { "$gt" = 2 } }, "address.city" = { "$ini" = ["turku"] } }"""
    assert parse(f"[slots.home]\ncondition = {condition.replace(chr(10), ' ')}").slot("home").condition


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """A file that Windows' editor saved has a mark before its first word."""
    (tmp_path / "micromoments.toml").write_text('name = "Café"', encoding="utf-8-sig")
    assert load(tmp_path).name == "Café"


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is told so, without a traceback of the decoder."""
    (tmp_path / "micromoments.toml").write_bytes('name = "Café"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="wanted a text file in UTF-8"):
        load(tmp_path)


@given(st.text(alphabet="abc[]=\"'.{}\n# 1,", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the loader fail in another way than by naming a mistake."""
    line_numbers(text)
    try:
        parse(text)
    except ConfigError as refused:
        said = [str(mistake) for mistake in refused.mistakes]
    else:
        said = ["nothing was wrong"]
    assert said


def test_the_schema_of_the_pages_is_the_one_of_the_code() -> None:
    """The JSON schema that the documentation offers is what the code makes, and it knows every setting."""
    schema = json_schema()
    kept = json.loads((ROOT / "docs" / "reference" / "micromoments.schema.json").read_text(encoding="utf-8"))
    assert kept == schema, "run .venv/bin/python tools/write_schema.py"
    assert set(schema["properties"]) == {*Settings.__struct_fields__, "keys", "cluster"}
    assert schema["additionalProperties"] is False


@given(st.text(max_size=30))
def test_the_starter_is_the_defaults_with_a_holdout(name: str) -> None:
    """A fresh folder's file can be read under any name, and differs from the defaults by a holdout on the slot home."""
    name = name.encode("utf-8", "ignore").decode()
    settings = parse(starter(name))
    home = settings.slots["home"]
    assert (home.holdout, home.goal) == (0.05, "order")
    assert msgspec.structs.replace(settings, slots={}) == Settings(name=name)


RUNNING = Settings(experiments={"hero": Experiment(slot="home", variants={"a": 1.0, "b": 1.0})})


@pytest.mark.parametrize(
    "change",
    [
        {"slot": "cart"},
        {"variants": {"a": 1.0, "b": 2.0}},
        {"policies": {"b": "rules"}},
        {"goal": "order"},
        {"salt": "new"},
        {"coverage": 0.5},
    ],
)
def test_a_running_experiment_does_not_change(change: dict[str, Any]) -> None:
    """What splits people, or says what a variant is, is refused while the experiment runs and allowed once it stops."""
    changed = msgspec.structs.replace(RUNNING.experiments["hero"], **change)
    (sentence,) = silent_changes(RUNNING, Settings(experiments={"hero": changed}))
    assert sentence.startswith(f"experiments.hero.{next(iter(change))}: got ")
    stopped = msgspec.structs.replace(changed, running=False)
    assert silent_changes(RUNNING, Settings(experiments={"hero": stopped})) == []
    assert silent_changes(Settings(experiments={"hero": stopped}), RUNNING) == []


def test_a_mistyped_key_is_named(tmp_path: Path) -> None:
    """A sort of key that there isn't is told with the nearest that there is."""
    (tmp_path / "micromoments.toml").write_text('[keys]\nwrit = { env = "W" }\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"micromoments.toml:2: .*; did you mean write\?"):
        load_keys(tmp_path, {"W": "w"})


def test_a_running_experiment_does_not_vanish() -> None:
    """Removing a running experiment from the file is refused; saying its salt in full is no change."""
    assert len(silent_changes(RUNNING, Settings())) == 1
    same = msgspec.structs.replace(RUNNING.experiments["hero"], salt="hero")
    assert silent_changes(RUNNING, Settings(experiments={"hero": same})) == []


def test_keys_come_from_the_environment(tmp_path: Path) -> None:
    """Without a table of keys the well-known variables are looked at; none set means no keys."""
    assert not load_keys(tmp_path, {})
    keys = load_keys(tmp_path, {"MICROMOMENTS_WRITE_KEY": "w", "MICROMOMENTS_SECRET_KEY": "s"})
    assert (keys.write, keys.secret, keys.token) == (("w",), ("s",), ())
    assert keys


def test_keys_are_found_where_the_file_says(tmp_path: Path) -> None:
    """A key comes from the variable or file named, several of one sort stand side by side, and none is ever shown."""
    (tmp_path / "secret.key").write_text("\ufeffhidden\r\n", encoding="utf-8")  # as Windows' editors write
    (tmp_path / "micromoments.toml").write_text(
        '[keys]\nwrite = { env = "W" }\nsecret = [{ file = "secret.key" }, { env = "OLD" }]\n', encoding="utf-8"
    )
    keys = load_keys(tmp_path, {"W": "public", "OLD": "older", "MICROMOMENTS_SECRET_KEY": "not this"})
    assert (keys.write, keys.secret) == (("public",), ("hidden", "older"))
    assert "hidden" not in f"{keys} {keys!r}"


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ('write = "abc123"', "a key written out"),
        ('write = { env = "NOT_SET" }', "no variable NOT_SET"),
        ('secret = { file = "missing.key" }', "no readable file"),
        ('secret = { env = "W", file = "x" }', "a table"),
        ('admin = { env = "W" }', "a key that is not known"),
    ],
)
def test_a_wrong_key_is_refused_without_showing_it(tmp_path: Path, line: str, got: str) -> None:
    """A key that is written out, missing or unknown is refused with its line; a key's own text is never repeated."""
    (tmp_path / "micromoments.toml").write_text(f"[keys]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=got) as caught:
        load_keys(tmp_path, {"W": "abc123"})
    assert caught.value.mistakes[0].line == 2
    assert "abc123" not in str(caught.value)


def test_only_a_line_feed_ends_a_line_of_toml() -> None:
    """A text in a setting may hold what other formats take for an end of a line; editing and parting leave it whole."""
    text = '[slots.home]\nfloor = 0.1 # a\u2028b\u0085c\n[cluster]\nredis = "x"\n[fences]\nnear = "a\u2028[b]"\n'
    assert line_numbers(text)[("fences", "near")] == 6
    assert with_slot(text, "home", {"floor": 0.2}) == text.replace("0.1 # a\u2028b\u0085c", "0.2")
    assert parted(text) == text.replace('[cluster]\nredis = "x"\n', "")
