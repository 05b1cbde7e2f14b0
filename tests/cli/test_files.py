"""Files that commands are given: what can't be used is told in one line, with exit status 1 or 2, never a traceback."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from micromoments.cli import main
from micromoments.cli.lines import opened
from micromoments.sources.files import Read, Source
from micromoments.sources.mapping import Shape, load
from tests.cli.commands import COMMAND, micromoments

NOW = 1_795_000_000_000
UPLIFT = ("--treatment", "t", "--outcome", "y")


class Run(NamedTuple):
    """How a command ended, and what it said."""

    status: object
    out: str
    words: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs a command in this process."""

    def run(*words: str | Path) -> Run:
        monkeypatch.setattr(sys, "argv", ["micromoments", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Run(end.value.code, said.out, said.err)

    return run


@pytest.mark.parametrize("kind", ["absent", "folder", "loop"])
def test_a_file_that_is_none_is_told(tmp_path: Path, run: Callable[..., Run], kind: str) -> None:
    """A file that isn't there, a folder, and a link to itself are failures that name the file, without the system's
    number, and with nothing on stdout.
    """
    file = tmp_path / "clicks.csv"
    if kind == "folder":
        file.mkdir()
    elif kind == "loop":
        file.symlink_to(file)
    for words in (
        ("recognise", file),
        ("backtest", "sessions", "--train", file, "--test", file),
        ("backtest", "policy", "--log", file, "--target", "uniform"),
        ("backtest", "uplift", "--train", file, "--test", file, *UPLIFT),
        ("audit", file, "--format", "json"),
        ("import", tmp_path / "shop", file, "--format", "items"),
    ):
        done = run(*words)
        assert done.status in (1, 2), words
        assert (done.out, "clicks.csv" in done.words, "Errno" in done.words) == ("", True, False), words


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\r,\n\x8e", b"a" * 2_000_000], ids=["binary", "one line"])
def test_a_file_that_is_no_table_is_told(tmp_path: Path, run: Callable[..., Run], content: bytes) -> None:
    """Bytes that are no table, and a line longer than any cell may be, are told, without a traceback."""
    file = tmp_path / "clicks.csv"
    file.write_bytes(content)
    for words in (("audit", file), ("backtest", "uplift", "--train", file, "--test", file, *UPLIFT)):
        done = run(*words)
        assert (done.status, done.out) == (1, ""), words
        assert "clicks.csv" in done.words


def test_recognise_reads_what_opens(tmp_path: Path) -> None:
    """Queries come from a gzipped file, from a pipe, or without the byte order mark that editors put before them."""
    text = "\ufeffhow to fix a leaking tap\r\n".encode()
    (tmp_path / "q.gz").write_bytes(gzip.compress(text))
    os.mkfifo(tmp_path / "pipe")
    Thread(target=(tmp_path / "pipe").write_bytes, args=(text,), daemon=True).start()
    for done in (
        micromoments("recognise", tmp_path / "q.gz"),
        micromoments("recognise", tmp_path / "pipe"),
        micromoments("recognise", "-", stdin=text),
    ):
        assert done.status == 0, done.words
        assert json.loads(done.out)["query"] == "how to fix a leaking tap"


def test_a_closed_stream_is_no_traceback(tmp_path: Path) -> None:
    """Whoever closed stdout or stderr gets no traceback on the other one."""
    (tmp_path / "q").write_text("buy shoes\n")
    for closed in (">&-", "2>&-"):
        command = f'exec "$0" recognise "$1" {closed}'
        done = subprocess.run(["sh", "-c", command, COMMAND, tmp_path / "q"], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert bool(done.stdout) == (closed == "2>&-")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_text_in_two_bytes_a_character_is_read(tmp_path: Path, encoding: str) -> None:
    """Lines and events as Windows' programs save them (UTF-16, UTF-32, a mark before UTF-8) are what they say."""
    queries, events, rows = tmp_path / "q.txt", tmp_path / "e.jsonl", tmp_path / "e.csv"
    queries.write_text("a café chair\r\nzoë\n", encoding=encoding, newline="")
    event = {"type": "track", "userId": "zoë", "event": "Products Searched", "timestamp": "2026-01-01T10:00:00Z"}
    events.write_text(json.dumps(event, ensure_ascii=False) + "\n", encoding=encoding)
    rows.write_text("who,what,when\nbjörk,Product Viewed,2026-01-02T10:00:00Z\n", encoding=encoding)
    with opened(str(queries)) as lines:
        assert [line.decode("utf-8-sig") for line in lines] == ["a café chair\r\n", "zoë\n"]
    mapping = load(["userId=who,event=what,timestamp=when"])
    for file, shape, who in ((events, Shape(), "zoë"), (rows, mapping, "björk")):
        (row,) = Source(file, shape, now=NOW).rows()
        assert isinstance(row, Read), row
        assert row.arrival.event.user_id == who


def test_what_never_ends_is_told(run: Callable[..., Run], tmp_path: Path) -> None:
    """A device that gives zeros for ever is refused after 64 MiB without an end of line, and as a feed at once."""
    for words in (
        ("recognise", "/dev/zero"),
        ("backtest", "sessions", "--train", "/dev/zero", "--test", "/dev/zero"),
        ("backtest", "policy", "--log", "/dev/zero", "--target", "uniform"),
        ("backtest", "uplift", "--train", "/dev/zero", "--test", "/dev/zero", *UPLIFT),
        ("import", tmp_path / "shop", "/dev/zero", "--format", "items"),
    ):
        done = run(*words)
        assert (done.status, done.out) == (1, ""), words
        assert "/dev/zero" in done.words, words


def test_a_header_longer_than_a_cell_may_be_is_told(tmp_path: Path, run: Callable[..., Run]) -> None:
    """An import and the doctor name a file whose first line is no header; a table without a mapping, by its columns."""
    file = tmp_path / "clicks.csv"
    file.write_bytes(b"a" * 2_000_000)
    for words in (("import", tmp_path / "shop", file), ("doctor", tmp_path, "--data", file)):
        done = run(*words)
        assert (done.status, "clicks.csv" in done.words, "header" in done.words) == (1, True, True), words
    file.write_text("who,what,when\nana,view,2026-01-01\n")
    done = run("import", tmp_path / "shop", file)
    assert (done.status, "who, what, when" in done.words, "--map" in done.words) == (1, True, True)


def test_a_mapping_that_read_nothing_can_be_put_right(tmp_path: Path) -> None:
    """A file of which a wrong mapping set every row aside is imported by the right one; then it is done."""
    file, shop = tmp_path / "clicks.csv", tmp_path / "shop"
    file.write_text("who,what,when\nana,Product Viewed,01.11.2025 10:00\nbo,Product Viewed,01.11.2025 11:00\n")
    mapped = ("--map", "userId=who,event=what,timestamp=when")
    assert micromoments("import", shop, file, *mapped).status == 3
    right = micromoments("import", shop, file, *mapped, "--time", "%d.%m.%Y %H:%M", "--output", "json")
    assert (right.status, json.loads(right.out)[0]["imported"]) == (0, 2)
    assert not file.with_name("clicks.csv.rejected.jsonl").exists()
    done = micromoments("import", shop, file, *mapped, "--time", "%d.%m.%Y %H:%M", "--output", "json")
    assert (done.status, json.loads(done.out)[0]["imported"]) == (0, 0)


@pytest.mark.parametrize("command", ["work", "doctor"])
def test_a_cluster_without_its_libraries_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """A project on a cluster, where the extra is not installed, is told what to install."""
    (tmp_path / "micromoments.toml").write_text('[cluster]\nkafka = "localhost:1"\nredis = "redis://localhost:2"\n')
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "redis.py").write_text("raise ModuleNotFoundError(name=__name__)\n")
    monkeypatch.setenv("PYTHONPATH", str(absent))
    done = micromoments(command, tmp_path)
    assert (done.status, done.out) == (1, "")
    assert "pip install 'micromoments[cluster]'" in done.words


def test_nesting_without_end_is_told(tmp_path: Path, run: Callable[..., Run]) -> None:
    """A file that is one list in another without end is set aside, or refused by name, without a traceback."""
    file = tmp_path / "deep.jsonl"
    file.write_bytes(b'{"a":' * 50_000 + b"\n")
    for words, status in (
        (("backtest", "policy", "--log", file, "--target", "uniform"), 1),
        (("backtest", "policy", "--log", file, "--target-pmf", file), 1),
        (("import", tmp_path / "shop", file, "--format", "items"), 3),
        (("import", tmp_path / "shop", file, "--format", "shopify-products"), 1),
        (("audit", file, "--format", "json"), 1),
    ):
        assert run(*words).status == status, words
