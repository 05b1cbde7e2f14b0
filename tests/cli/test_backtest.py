"""``micromoments backtest``: the real command line on small files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from micromoments.cli.backtest import _past
from tests.cli.commands import micromoments

TRAIN = "a b c\na b c\na b d\nx y\nx z\nx z\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A training file, gzipped, and a plain test file whose last line can't be hit."""
    train, test = tmp_path / "train.txt.gz", tmp_path / "test.txt"
    train.write_bytes(gzip.compress(TRAIN.encode()))
    test.write_text("a b\tc\nx\tz\nnever\tunseen\n")
    return train, test


def test_sessions(files: tuple[Path, Path]) -> None:
    """HR@20 and MRR@20 are over every line, unseen items too; predictions a second are said."""
    done = micromoments("backtest", "sessions", "--train", files[0], "--test", files[1], "--format", "json")
    assert done.status == 0, done.words
    told = json.loads(done.out)
    assert told["cases"] == 3
    assert told["HR@20"] == pytest.approx(2 / 3, abs=1e-4)
    assert 0 < told["MRR@20"] <= told["HR@20"]
    assert told["predictions_a_second"] > 0


def test_sessions_for_people(files: tuple[Path, Path]) -> None:
    """The table names the figures."""
    done = micromoments("backtest", "sessions", "--train", files[0], "--test", files[1])
    assert done.status == 0, done.words
    assert "HR@20" in done.out
    assert "MRR@20" in done.out
    assert "predictions" in done.out


def test_a_line_in_another_form(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A test line without a next id is told with its number and what was wanted."""
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("a\tb\na b\n")
    done = micromoments("backtest", "sessions", "--train", files[0], "--test", wrong)
    assert done.status == 1
    assert "line 2" in done.words
    assert "a tab" in done.words


def test_odd_files(tmp_path: Path) -> None:
    """A byte-order mark, CRLF, empty lines and sessions of one item change nothing; a case without items counts."""
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    train.write_bytes(b"\xef\xbb\xbfa b c\r\n\r\nlone\r\na b c\r\n \r\nx z\r\n")
    test.write_bytes(b"\xef\xbb\xbfa b\tc\r\n\r\n\ta\r\nnever x\tz\r\n")
    done = micromoments("backtest", "sessions", "--train", train, "--test", test, "--format", "json")
    assert done.status == 0, done.words
    told = json.loads(done.out)
    assert (told["cases"], told["HR@20"]) == (3, 1.0)


@pytest.mark.parametrize(
    ("train", "test", "wanted"),
    [
        (gzip.compress(TRAIN.encode(), mtime=0)[:-9], b"a\tb\n", "a whole file"),
        (b"\n\n", b"a\tb\n", "got 0 sessions"),
        (TRAIN.encode(), b"a\tb c\n", "line 1"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, train: bytes, test: bytes, wanted: str) -> None:
    """A cut-off gzip, nothing at all, two next ids: said with what was wanted instead."""
    (tmp_path / "train").write_bytes(train)
    (tmp_path / "test").write_bytes(test)
    done = micromoments("backtest", "sessions", "--train", tmp_path / "train", "--test", tmp_path / "test")
    assert done.status == 1
    assert wanted in done.words


def test_only_the_last_clicks_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a history longer than what is learned from, reading keeps its end, and tells how long it was."""
    monkeypatch.setattr("micromoments.retrieve.nextitem.model.Plan", lambda: SimpleNamespace(most=5))
    file = tmp_path / "train.txt"
    file.write_text("old older\na b\na c d\n")
    assert _past(str(file)) == (3, [["a", "b"], ["a", "c", "d"]])
