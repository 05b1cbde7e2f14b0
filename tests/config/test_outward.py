"""Mistakes of destinations and triggers name their line, and say what to do."""

from __future__ import annotations

import pytest

from micromoments.config import ConfigError, parse

GOOD = """
[destinations.crm]
url = "https://hooks.shop.example/"
[triggers.hello]
to = ["crm"]
"""
LAKE = '[destinations.lake]\nkind = "parquet"\nurl = "s3://b/events"\n'
MAIL = '[destinations.mail]\nurl = "https://x.example/"\nchannel = "email"\nconcurrency = 1\n'


def mistakes(text: str) -> list[str]:
    """What is said of a file, a line a mistake; nothing where it is good."""
    try:
        parse(text)
    except ConfigError as error:
        return [f"{m.line} {m.setting}" for m in error.mistakes]
    return []


def test_a_good_file_has_none() -> None:
    """A webhook at a public address and a trigger that names it are enough."""
    assert mistakes(GOOD) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[destinations.x]\nurl = "http://hooks.example/"', ["2 destinations.x.url"]),
        ('[destinations.x]\nurl = "https://10.0.0.7/"', ["2 destinations.x.url"]),
        ('[destinations.x]\nurl = "https://localhost/"', ["2 destinations.x.url"]),
        ('[destinations.x]\nkind = "file"\nurl = "../out"', ["3 destinations.x.url"]),
        ('[destinations.x]\nkind = "notify"', ["1 destinations.x.channel", "1 destinations.x.secret"]),
        ('[destinations.x]\nurl = "https://x.example/"\nshape = "braze"', ["1 destinations.x.secret"]),
        ('[destinations.x]\nurl = "https://x.example/"\nsecret = { }', ["3 destinations.x.secret"]),
        ('[destinations.x]\nurl = "https://x.example/"\ntext = "{{ x"', ["3 destinations.x.text"]),
        ('[destinations.x]\nurl = "https://x.example/"\nquiet_hours = "late"', ["3 destinations.x.quiet_hours"]),
        ('[destinations.x]\nurl = "https://x.example/"\nconcurrency = 0', ["3 destinations.x.concurrency"]),
        (GOOD + "within_hours = 0", ["6 triggers.hello.within_hours"]),
        (GOOD.replace('["crm"]', '["crm", "other"]'), ["5 triggers.hello.to.1"]),
        (GOOD.replace('["crm"]', "[]"), ["5 triggers.hello.to"]),
        (GOOD + 'on = "later"', ["6 triggers.hello.on"]),
        ('[destinations.x]\nkind = "parquet"\nurl = "/lake"', ["3 destinations.x.url"]),
        ('[destinations.x]\nkind = "kafka"\nurl = "kafka://b:9092"', ["3 destinations.x.url"]),
        (GOOD + '[forwards.f]\nto = "nowhere"', ["7 forwards.f.to"]),
        (GOOD + '[forwards.f]\nto = "crm"\nbatch = 0', ["8 forwards.f.batch"]),
        (LAKE + '[triggers.t]\nto = ["lake"]', ["5 triggers.t.to.0"]),
        (MAIL + '[forwards.f]\nto = "mail"', ["6 forwards.f.to"]),
    ],
)
def test_a_mistake_names_its_line(text: str, wanted: list[str]) -> None:
    """Each is found at the value that is wrong, or at the table that lacks one."""
    assert mistakes(text) == wanted
