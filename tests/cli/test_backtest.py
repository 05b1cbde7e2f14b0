"""``micromoments backtest``: the real command line on small files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

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
