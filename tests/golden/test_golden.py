"""What earlier releases wrote is read by this one, and means what it meant."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.fact import Table
from micromoments.core.item import Item
from micromoments.core.person import Link, Person
from micromoments.ports import Corrupt
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.catalogue import SqliteCatalogue
from micromoments.stores.embedded.facts import query
from micromoments.stores.embedded.folder import Folder
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.outbox import SqliteOutbox
from micromoments.stores.embedded.policies import SqlitePolicies
from micromoments.stores.embedded.seen import FileSeen
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.clocks import START
from micromoments.testing.generators import mid
from tests.golden import make_v3
from tests.golden.make_v2 import person

V1 = Path(__file__).parent / "v1"
V1_TABLES: tuple[Table, ...] = ("events", "moments", "decisions", "outcomes", "people")


def _facts(table: Table) -> Callable[[bytes], Any]:
    return lambda body: codec.decode_facts(table, body)


READERS: dict[str, Callable[[bytes], Any]] = {
    "group": codec.decode_group,
    "person": lambda body: codec.decode(Person, body),
    "link": lambda body: codec.decode(Link, body),
    "decision": lambda body: codec.decode(Decision, body),
    "item": lambda body: codec.decode(Item, body),
    "policy": codec.unseal,
    **{f"facts-{table}": _facts(table) for table in V1_TABLES},
}


def means(got: Any, wanted: Any) -> bool:
    """Whether a value still says all that it said; a release may have added fields, at the ends of arrays too."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(k in got and means(got[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) < len(wanted):
            return False
        return all(means(g, w) for g, w in zip(got, wanted, strict=False))
    return bool(got == wanted)


@pytest.fixture
def old(tmp_path: Path) -> Folder:
    """A copy of the folder that release 0.1.0 wrote, opened."""
    shutil.copytree(V1 / "folder", tmp_path / "folder")
    return Folder.open(tmp_path / "folder")


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_stored_value_means_what_it_meant(name: str) -> None:
    """The bytes of format 1 decode to the values that were written then."""
    wanted = msgspec.json.decode((V1 / "expected.json").read_bytes())[name]
    got = msgspec.json.decode(msgspec.json.encode(READERS[name]((V1 / f"{name}.bin").read_bytes())))
    assert means(got, wanted)


def test_every_golden_file_is_read() -> None:
    """No golden file lies there unread."""
    assert {path.stem for path in V1.glob("*.bin")} == set(READERS)


def test_an_old_folder_opens_with_its_log_and_people(old: Folder) -> None:
    """A folder of format 1 gives its records, the blanked one included, its people, links, decisions and timers."""
    with closing(SqliteLog(old.log)) as log, closing(SqliteState(old.state)) as state:
        assert [type(x.record).__name__ for x in log.read(0)] == [
            *[
                "EventRecord",
                "TickRecord",
                "DecidedRecord",
                "OutcomeRecord",
                "ItemRecord",
                "ItemRecord",
                "ActivationRecord",
            ],
            *["EventRecord"] * 4,
            "ErasedRecord",
        ]
        assert (log.end(), log.check(), state.position()) == (12, 12, 12)
        people, links = state.load(["anon:a0", "anon:a1", "anon:a2"], ["anon:a1"])
        assert ([p.surrogate for p in people.values()], links["anon:a1"].joined) == ([mid(0), mid(1), mid(2)], ("u2",))
        assert [key for _, key in state.due(START * 2, 9)] == ["anon:a0", "anon:a1", "anon:a2"]
        made = state.decision("d1")
        assert made is not None
        assert made.items[0].propensity == 0.4
        state.check()


def test_an_old_folder_opens_with_all_else(old: Folder) -> None:
    """A folder of format 1 gives its items, policies, budgets, artifacts, seen messages and facts."""
    with closing(SqliteCatalogue(old.state)) as catalogue, closing(SqlitePolicies(old.state)) as policies:
        assert [i.title for i in catalogue.items()] == ["Trail shoe 0", "Trail shoe 1"]
        assert (policies.load(), policies.version("home", 3)) == ({"home": b"\x00weights"}, b"older")
    with closing(SqliteBudgets(old.budgets)) as budgets, closing(FileSeen(old.seen, now=START + 1)) as seen:
        assert budgets.used("summer") == (2, 3)
        assert [seen.fresh(mid(n), START + 9) for n in (0, 9, 10)] == [False, False, True]
    digest = "sha256:97ff8a35544dcf40ad84047074439dd6aa3a0be469ea578a1b1c017d939ec61c"
    assert FileArtifacts(old.artifacts).get(digest) == b"a model"
    with query(old.path) as ask:
        rows = ask("SELECT surrogate, count(*) AS n FROM events GROUP BY 1 ORDER BY 1")
        assert rows == [{"surrogate": 7, "n": 3}]
        assert ask("SELECT count(*) AS n FROM moments") == [{"n": 0}]
        assert ask("SELECT items, propensities FROM decisions WHERE id = 'd1'") == [
            {"items": ["i1", "i2"], "propensities": [0.4, 0.25]}
        ]


def test_a_packed_person_of_format_2_is_read() -> None:
    """A large person's value, packed by Zstandard, means what it meant, and a flipped bit in it is found."""
    body = (V1.parent / "v2" / "person-packed.bin").read_bytes()
    assert body[0] == codec.PACKED
    assert codec.decode(Person, body) == person()
    with pytest.raises(Corrupt, match="checksum"):
        codec.decode(Person, body[:-1] + bytes([body[-1] ^ 1]))


def test_deliveries_of_format_3_are_read() -> None:
    """A delivery of the outbox and a frame of deliveries' facts mean what they meant."""
    v3 = V1.parent / "v3"
    assert codec.decode(Delivery, (v3 / "delivery.bin").read_bytes()) == make_v3.delivery()
    assert codec.decode_facts("deliveries", (v3 / "facts-deliveries.bin").read_bytes()) == [make_v3.fact()]


def test_an_old_folder_gets_an_outbox(old: Folder) -> None:
    """A folder of format 1 has no deliveries, and takes them from now on."""
    with closing(SqliteOutbox(old.state)) as outbox:
        assert outbox.listed(None, "", "", 9) == []
    with query(old.path) as ask:
        assert ask("SELECT count(*) AS n FROM deliveries") == [{"n": 0}]
