"""``micromoments import``: history in, each event once, whatever happens."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import micromoments as mm
from micromoments.cli import main
from tests.cli.commands import COMMAND, environment, micromoments

MAP = "userId=who,event=what,timestamp=when,properties.product_id=item"
START = 1_767_323_045
SETTINGS = "[retention]\nfacts_days = 100000\npeople_days = 100000\n"


def rows(count: int, people: int = 50) -> str:
    """A CSV file of visits: clicks 20 s apart, the people one after the other, so not in the order of time."""
    lines = ["who,what,when,item"]
    each = count // people
    lines += [f"p{p},Product Viewed,{START + n * 20 + p},i{n % 7}" for p in range(people) for n in range(each)]
    return "\n".join(lines) + "\n"


def put(path: Path, text: str) -> Path:
    """A text file."""
    path.write_text(text, encoding="utf-8")
    return path


def log_of(folder: Path) -> list[tuple[str, int, int]]:
    """(message id, arrival, event time) of every event in a folder's log, in its order."""
    from micromoments.core.record import EventRecord
    from micromoments.ports import replay
    from micromoments.stores.embedded.log import SqliteLog

    log = SqliteLog(folder / "log.sqlite")
    try:
        records = [logged.record for logged in replay(log)]
    finally:
        log.close()
    return [(r.message_id, r.at, r.occurred) for r in records if isinstance(r, EventRecord)]


def told(out: str) -> list[dict[str, Any]]:
    """What a command printed as JSON."""
    decoded: list[dict[str, Any]] = json.loads(out)
    return decoded


def test_events_arrive_when_they_happened_in_order(tmp_path: Path) -> None:
    """A file that isn't in the order of time comes in sorted, each event arriving at its own instant; moments open."""
    file = put(tmp_path / "a.csv", rows(200))
    done = micromoments("import", tmp_path / "shop", file, "--map", MAP, "--output", "json")
    assert done.status == 0
    assert told(done.out)[0]["imported"] == 200
    assert "stood behind later ones" in done.words
    log = log_of(tmp_path / "shop")
    assert len(log) == len({mid for mid, _, _ in log}) == 200
    assert all(at == occurred for _, at, occurred in log)
    assert [at for _, at, _ in log] == sorted(at for _, at, _ in log)
    with mm.open(tmp_path / "shop") as engine:
        ended = engine.moments("p3", history=True)
    assert ended
    assert ended[0].type == "buy"


def test_an_import_is_passed_on_to_nobody(tmp_path: Path) -> None:
    """A forward passes on what comes when the project is served again, and nothing of the history before it."""
    from micromoments.core.event import HISTORY
    from micromoments.core.record import EventRecord
    from micromoments.core.settings import Forward
    from micromoments.flow.forward import wanted
    from micromoments.ports import replay
    from micromoments.stores.embedded.log import SqliteLog

    shop = tmp_path / "shop"
    assert micromoments("import", shop, put(tmp_path / "a.csv", rows(50)), "--map", MAP).status == 0
    with mm.open(shop) as engine:
        engine.track("ana", "Product Viewed", {"product_id": "i1"})
    log = SqliteLog(shop / "log.sqlite")
    records = [one.record for one in replay(log) if isinstance(one.record, EventRecord)]
    log.close()
    assert [bool(one.marks & HISTORY) for one in records] == [True] * 50 + [False]
    assert [wanted(one, "all", Forward(to="x")) for one in records] == [False] * 50 + [True]


def test_importing_twice_is_once(tmp_path: Path) -> None:
    """The same file again, under another name and gzipped, imports nothing and says so."""
    import gzip

    file = put(tmp_path / "a.csv", rows(100))
    shop = tmp_path / "shop"
    assert micromoments("import", shop, file, "--map", MAP).status == 0
    again = tmp_path / "b.csv.gz"
    again.write_bytes(gzip.compress(file.read_bytes()))
    done = micromoments("import", shop, again, "--map", MAP, "--output", "json")
    assert done.status == 0
    assert "imported before" in done.words
    assert told(done.out)[0]["imported"] == 0
    assert told(done.out)[0]["known"] == 100
    assert len(log_of(shop)) == 100


def test_a_file_and_its_gzip_are_imported_once(tmp_path: Path) -> None:
    """Given to one import, too: what both say is told once."""
    file, zipped = put(tmp_path / "a.csv", rows(100)), tmp_path / "a.csv.gz"
    zipped.write_bytes(gzip.compress(file.read_bytes()))
    done = micromoments("import", tmp_path / "shop", file, zipped, "--map", MAP, "--output", "json")
    assert [(row["file"], row["imported"]) for row in told(done.out)] == [("a.csv", 100)]
    assert "a.csv.gz says what a.csv says" in done.words


def test_a_longer_export_with_ids_of_its_own_adds_what_is_new(tmp_path: Path) -> None:
    """Where the file names its messages, an export that repeats older rows adds only the new ones, however late."""
    shop, text = tmp_path / "shop", ""
    line = '{{"who": "ana", "id": "m{0}", "when": {1}}}\n'
    mapped = "userId=who,messageId=id,timestamp=when,event:=Product Viewed"
    for count in (60, 100):
        text = "".join(line.format(n, START + n * 86_400) for n in range(count))
        file = put(tmp_path / f"{count}.jsonl", text)
        assert micromoments("import", shop, file, "--map", mapped).status == 0
    done = micromoments("import", shop, put(tmp_path / "b.jsonl", text + "\n"), "--map", mapped, "--output", "json")
    assert told(done.out)[0]["imported"] == 0
    assert told(done.out)[0]["known"] == 100
    assert len(log_of(shop)) == 100


def test_bad_rows_are_set_aside_with_their_reason(tmp_path: Path) -> None:
    """Rows that make no event go to FILE.rejected.jsonl, private, with line and reason; the exit status is 3."""
    file = put(tmp_path / "a.csv", rows(50) + "ana,Product Viewed,soon,i1\n,Product Viewed,1767323045,i1\n")
    done = micromoments("import", tmp_path / "shop", file, "--map", MAP)
    assert done.status == 3
    rejected = tmp_path / "a.csv.rejected.jsonl"
    bad = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [(b["line"], b["code"]) for b in bad] == [(52, "bad_timestamp"), (53, "no_user_anon_id")]
    assert bad[0]["row"] == ["ana", "Product Viewed", "soon", "i1"]
    assert rejected.stat().st_mode & 0o077 == 0
    assert "bad_timestamp 1" in done.words
    assert len(log_of(tmp_path / "shop")) == 50


def test_a_number_without_bounds_spoils_nothing(tmp_path: Path) -> None:
    """The row is set aside as text, and the others are imported; an item with one is set aside as well."""
    line = '{{"type": "track", "event": "E", "userId": "u", "timestamp": "2026-01-02", "properties": {{"n": {}}}}}'
    events, items = tmp_path / "e.jsonl", tmp_path / "i.jsonl"
    events.write_text(f"{line.format('9' * 30)}\n{line.format(1)}\n", encoding="utf-8")
    items.write_text(
        '{"id": "a", "kind": "guide", "title": "A", "attributes": {"n": %s}}\n' % ("9" * 30), encoding="utf-8"
    )
    done = micromoments("import", tmp_path / "shop", events)
    assert (done.status, "number_out_of_range 1" in done.words, "1 events imported" in done.words) == (3, True, True)
    assert "9" * 30 in (tmp_path / "e.jsonl.rejected.jsonl").read_text(encoding="utf-8")
    done = micromoments("import", tmp_path / "shop", items, "--format", "items")
    assert (done.status, "number_out_of_range 1" in done.words) == (3, True)


def test_a_stopped_import_says_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who presses Ctrl-C reads that nothing is lost, and what to do."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("micromoments.cli.history.run", stopped)
    file = put(tmp_path / "a.csv", rows(200))
    monkeypatch.setattr("sys.argv", ["micromoments", "import", str(tmp_path / "shop"), str(file), "--map", MAP])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert "run the same import again" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_import_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """``kill -9`` at several moments: run again, every event is in the log once, and state equals a replay."""
    file = put(tmp_path / "a.csv", rows(20_000, people=200))
    shop = tmp_path / "shop"
    command = [str(COMMAND), "import", str(shop), str(file), "--map", MAP]
    kills = 0
    for _ in range(12):
        with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            start = len_of(shop)
            until = time.monotonic() + 60
            while run.poll() is None and len_of(shop) < start + 2_000 and time.monotonic() < until:
                time.sleep(0.02)
            if run.poll() is None:
                run.send_signal(signal.SIGKILL)
                kills += 1
        if run.returncode == 0:
            break
    done = micromoments("import", shop, file, "--map", MAP, "--output", "json")
    assert done.status == 0
    assert kills >= 2
    log = log_of(shop)
    assert len(log) == len({mid for mid, _, _ in log}) == 20_000
    assert micromoments("replay", shop).status == 0


def len_of(folder: Path) -> int:
    """How many records a folder's log has by now, read from beside its owner; 0 before there is one."""
    from micromoments.ports import StoreError
    from micromoments.stores.embedded import inspect

    try:
        return inspect.positions(folder)[1]
    except (StoreError, TypeError):
        return 0


def test_rows_of_standard_input_that_are_set_aside_are_kept(tmp_path: Path) -> None:
    """What can't be taken of standard input lies in the project's folder once the import has ended."""
    done = micromoments(
        "import", tmp_path / "shop", "-", "--format", "csv", "--map", "anonymousId=u,event=e,timestamp=t",
        stdin=b"u\te\tt\nana\tview\t2026-01-02T03:04:05Z\nbo\tview\tnever\n",
    )  # fmt: skip
    assert done.status == 3, done.words
    aside = tmp_path / "shop" / "imports" / "stdin.rejected.jsonl"
    assert str(aside) in done.words
    assert [json.loads(line)["row"][0] for line in aside.read_text().splitlines()] == ["bo"]


def test_standard_input_and_the_few_word_options(tmp_path: Path) -> None:
    """``-`` is standard input; --rename, --time and constants spare a mapping file."""
    text = b"ana\tview\t02.01.2026 03:04\nbo\tnoise\t02.01.2026 03:05\n"
    done = micromoments(
        "import", tmp_path / "shop", "-", "--format", "csv",
        "--map", "anonymousId=u,event=e,timestamp=t,context.channel:=web",
        "--rename", "view=Product Viewed", "--time", "%d.%m.%Y %H:%M", "--output", "json",
        stdin=b"u\te\tt\n" + text,
    )  # fmt: skip
    assert done.status == 0, done.words
    assert told(done.out)[0]["imported"] == 2
    with mm.open(tmp_path / "shop") as engine:
        held = engine.export("anon:ana")
    assert held is not None
    events: Any = held["events"]
    assert events[0]["event"]["event"] == "Product Viewed"
    assert events[0]["event"]["context"]["channel"] == "web"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.csv"], "no file"),
        (["-"], "--format"),
        (["a.csv"], "userId"),
        (["a.csv", "--map", "userId=nobody,event=what,timestamp=when"], "wanted one that the file has"),
        (["a.csv", "--preset", "nothing"], "wanted one of"),
        (["a.csv", "--map", MAP, "--rename", "view"], "wanted 'what the file says"),
        (["a.csv", "--map", MAP, "--output", "html"], "wanted table or json"),
    ],
)
def test_wrong_usage_is_told_in_words(tmp_path: Path, words: list[str], said: str) -> None:
    """A missing file, a mapping that doesn't fit, an unknown preset: words, no traceback, nothing imported."""
    put(tmp_path / "a.csv", rows(50))
    done = micromoments("import", tmp_path / "shop", *[tmp_path / w if w == "a.csv" else w for w in words])
    assert done.status in (1, 2)
    assert said in " ".join(done.words.split())
    assert not (tmp_path / "shop" / "log.sqlite").exists()


def test_a_folder_that_is_open_elsewhere_is_left_alone(tmp_path: Path) -> None:
    """While another process owns the folder, import says which, and sets nothing aside."""
    file = put(tmp_path / "a.csv", rows(50) + "ana,Product Viewed,soon,i1\n")
    with mm.open(tmp_path / "shop"):
        done = micromoments("import", tmp_path / "shop", file, "--map", MAP)
    assert done.status == 1
    assert "is open in process" in done.words
    assert not (tmp_path / "a.csv.rejected.jsonl").exists()


def test_old_history_is_said_to_be_forgotten(tmp_path: Path) -> None:
    """Events older than [retention] keeps are imported, and it is said that serving will forget them."""
    file = put(tmp_path / "a.csv", rows(50).replace(str(START)[:3], "144"))
    assert "forgotten" in micromoments("import", tmp_path / "shop", file, "--map", MAP).words
    other = tmp_path / "kept"
    other.mkdir()
    put(other / "micromoments.toml", SETTINGS)
    assert "forgotten" not in micromoments("import", other, file, "--map", MAP).words
