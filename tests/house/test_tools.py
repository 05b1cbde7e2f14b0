"""The checks of the house see what they are there to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import check_imports, check_sizes
from tools.import_law import allowed_for, parse_law

if TYPE_CHECKING:
    from pathlib import Path

LAW = parse_law(["core:", "ports: core", "engine: core ports", "engine.wiring: stores", ".: engine"])


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("core.event", set()),
        ("ports", {"core"}),
        ("engine.embedded", {"core", "ports"}),
        ("engine.wiring", {"core", "ports", "stores"}),
        ("engine.wiring.deep", {"core", "ports", "stores"}),
        (".", {"engine"}),
    ],
)
def test_a_module_may_import_what_its_lines_allow(module: str, may: set[str]) -> None:
    """A module has its room's line and the lines that name it or a module above it."""
    assert allowed_for(module, LAW) == frozenset(may)


def test_a_room_without_a_line_has_no_answer() -> None:
    """A room that the law doesn't know is told apart from one that may import nothing."""
    assert allowed_for("attic.box", LAW) is None
    assert allowed_for("core", LAW) == frozenset()


@pytest.mark.parametrize("lines", [["core"], ["core:", "core: ports"]])
def test_a_wrong_law_is_refused(lines: list[str]) -> None:
    """A line without a colon, or a second line for a room, says what is wrong."""
    with pytest.raises(ValueError, match="import law: got"):
        parse_law(lines)


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from random import random",
        "from urllib import request",
        "def f():\n    import sqlite3",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime\ndatetime.date.today()",
        "open('file')",
        "print('words')",
        "import numpy as np\nnp.random.default_rng()",
        "import uuid\nuuid.uuid4()",
    ],
)
def test_the_world_is_seen_in_a_pure_room(source: str) -> None:
    """A clock, chance, a file, a socket or a print is found, inside functions as well."""
    assert list(check_imports.impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "import math, json, zlib, datetime",
        "import numpy as np\nnp.random.default_rng(seed)",
        "import uuid\nuuid.uuid5(uuid.NAMESPACE_URL, name)",
        "moment.now()",
        "from datetime import datetime\ndatetime.fromtimestamp(1, tz)",
        "from .time import hours",
        "engine.open('folder')",
    ],
)
def test_a_pure_file_is_left_alone(source: str) -> None:
    """Arithmetic, seeded draws, and our own names that resemble the clock's are no problem."""
    assert list(check_imports.impurities(source)) == []


def test_purity_is_reported_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A problem names the file and the line, and fails the check; the engine's own files are not looked at."""
    (tmp_path / "core").mkdir()
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "clock.py").write_text("import time\n", encoding="utf-8")
    assert check_imports.main(tmp_path) == 0
    (tmp_path / "core" / "clock.py").write_text("\nimport time\n", encoding="utf-8")
    assert check_imports.main(tmp_path) == 1
    assert f"{tmp_path / 'core' / 'clock.py'}:2: got time" in capsys.readouterr().err


def test_large_files_and_functions_are_found() -> None:
    """A file of more than 400 lines and a function of more than 60 are found; a docstring's lines don't count."""
    body = "    x = 1\n" * 59
    assert list(check_sizes.too_large("\n" * 400)) == []
    assert [line for line, _ in check_sizes.too_large("\n" * 401)] == [1]
    assert list(check_sizes.too_large(f'def f():\n    """Words.\n\n    More.\n    """\n{body}')) == []
    assert [line for line, _ in check_sizes.too_large(f"\ndef f():\n{body}    y = 2\n")] == [2]
