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
from tests.cli.commands import COMMAND, micromoments

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
