"""Mistakes in budgets, rules, experiments and slots: each with its line, what was got and what was wanted."""

from __future__ import annotations

import pytest

from micromoments.config import ConfigError, parse

EXPERIMENT = "[experiments.e]\nslot = 'a'\nvariants = { x = 1, y = 1 }\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[slots.a]\nquiet_hours = '22'", '2: slots.a.quiet_hours: got "22" (text); wanted HH:MM-HH:MM'),
        ("[slots.a]\nramp = 1.5", "2: slots.a.ramp: got 1.5; wanted at least 0 and at most 1"),
        ("[slots.a]\nmode = 'canary'", '2: slots.a.mode: got "canary" (text); wanted one of "live", "ramp"'),
        (
            "[slots.a]\nlimit = 3\ncaps = [{ times = 20, by = 'person' }]",
            "3: slots.a.caps.0.times: got 20; wanted at most 10: the newest 32 items",
        ),
        ("[slots.a]\npeople = 3", "2: slots.a.people: got 3; wanted at least 100"),
        ("[rules.r]\naction = 'pin'\nwhere = {}", "3: rules.r.where: got an empty condition"),
        (
            "[rules.r]\naction = 'boost'\nwhere = { id = 'p' }\ncondition = { gender = 'f' }",
            "4: rules.r.condition: got a rule by gender; wanted none by a protected trait",
        ),
        ("[rules.r]\naction = 'pin'\nwhere = { id = 'p' }\nstarts = 'soon'", '4: rules.r.starts: got "soon"'),
        (
            "[rules.r]\naction = 'pin'\nwhere = { id = 'p' }\nstarts = '2026-02-01'\nends = '2026-01-01'",
            "5: rules.r.ends: ",
        ),
        (
            "[rules.r]\naction = 'boost'\nwhere = { id = 'p' }\nfactor = 1e300",
            "4: rules.r.factor: got 1e+300; wanted at least 0.001 and at most 1000",
        ),
        ("[goals.g]\nevent = 'E'\nmargin = 30", "3: goals.g.margin: got 30; wanted at least 0 and at most 1"),
        ("[goals.g]\nevent = 'E'\nvalue = -1", "3: goals.g.value: got -1; wanted at least 0"),
        ("[budgets.b]\nunits = 5\npacing = 'even'", "3: budgets.b.pacing: got even without a stretch of time"),
        ("exclusive = [['spring']]", "1: exclusive.0: got 1 campaigns; wanted two or more"),
        (
            EXPERIMENT + "namespace = { name = 'n', start = 0.5, end = 0.5 }",
            "4: experiments.e.namespace.end: got 0.5; wanted more than start",
        ),
        (
            EXPERIMENT + "switchback = { block_minutes = 5, washout_minutes = 9 }",
            "4: experiments.e.switchback.washout_minutes: got 9; wanted at least 0 and under 5",
        ),
        (
            EXPERIMENT + "min_bucket_version = 2",
            "4: experiments.e.min_bucket_version: got 2; wanted at most bucket_version, 0",
        ),
    ],
)
def test_mistakes_name_their_line(text: str, said: str) -> None:
    """The file's line, the setting, what was got, what was wanted."""
    with pytest.raises(ConfigError) as raised:
        parse(text)
    assert f"micromoments.toml:{said}" in str(raised.value)


def test_sound_ones_are_read() -> None:
    """Everything at once, as the documentation writes it."""
    settings = parse(
        """
exclusive = [["spring", "clearance"]]

[slots.push]
mode = "ramp"
ramp = 0.25
channel = "push"
quiet_hours = "22:00-08:00"
caps = [{ times = 3, by = "channel" }]

[rules.launch]
action = "pin"
where = { id = "p3" }
owner = "merchandising"
ends = "2027-01-01T00:00:00Z"

[budgets.spring]
units = 100
pacing = "even"
starts = "2026-03-01"
ends = "2026-04-01"

[experiments.city]
slot = "push"
variants = { old = 1, new = 1 }
switchback = { zone = "city", block_minutes = 30, washout_minutes = 5 }
"""
    )
    assert (settings.slot("push").ramp, settings.rules["launch"].position) == (0.25, 1)
    assert settings.experiments["city"].switchback is not None
    assert set(settings.guards) == {"opt_out", "unsubscribe", "complaint"}
