"""The command ``micromoments recognise``."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path


def run(argument: str, typed: str = "", weights: str = "") -> subprocess.CompletedProcess[str]:
    """The command's result for one argument."""
    command = [sys.executable, "-c", "from micromoments.cli import main; main()", "recognise", argument]
    command += ["--weights", weights] if weights else []
    return subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=60)


def test_file(tmp_path: Path) -> None:
    """A file gives a JSON line for each of its lines, the empty one too, and nothing else on stdout."""
    path = tmp_path / "queries.txt"
    path.write_text("usb c hub\n\ncoffee near me\n", encoding="utf-8")
    done = run(str(path))

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert done.stderr == ""
    assert [line["query"] for line in lines] == ["usb c hub", "", "coffee near me"]
    assert list(lines[0]) == ["query", "know", "go", "do", "buy", "none"]


def test_standard_input() -> None:
    """A dash reads standard input."""
    done = run("-", "how to fix a leaking tap\n")

    assert json.loads(done.stdout)["do"] > 0.8


def test_weights_of_ones_own(tmp_path: Path) -> None:
    """Other weights are read where they are named; a file that holds none is a usage error that says what to do."""
    path = tmp_path / "queries.txt"
    path.write_text("usb c hub\n", encoding="utf-8")
    shipped = files("micromoments.recognise").joinpath("data/text.npz")

    assert run(str(path), weights=str(shipped)).stdout == run(str(path)).stdout
    wrong = run(str(path), weights=str(path))
    assert wrong.returncode == 2
    assert "tools.train_text.language" in wrong.stderr


def test_no_such_file() -> None:
    """A file that isn't there is a usage error that says what is wanted."""
    done = run("nowhere.txt")

    assert done.returncode == 2
    assert "nowhere.txt" in done.stderr
    assert done.stdout == ""
