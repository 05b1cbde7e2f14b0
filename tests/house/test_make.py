"""One command for each habit, and no page names one that is not there."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HABITS = {"setup", "check", "test", "test-all", "bench", "demo", "docs", "lock"}
NAMING = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / ".ci" / "run", *sorted((ROOT / "docs").rglob("*.md"))]
TARGET = re.compile(r"^([a-z][a-z-]*):(.*)$", re.MULTILINE)
CODE = re.compile(r"^```\w*\n(.*?)^```|`(make [^`\n]+)`", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:^|[`$ ])make ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)(?=[`\n]|  | [A-Z#]|$)", re.MULTILINE)


def _targets() -> dict[str, str]:
    """Each target of the Makefile with what it depends on."""
    return dict(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def _code(text: str) -> str:
    """The code of a page, its blocks and what stands between backticks; a script as it is."""
    if text.startswith("#!"):
        return text
    return "\n".join(block or inline for block, inline in CODE.findall(text))


@pytest.mark.parametrize("page", NAMING, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_that_a_page_names_exists(page: Path) -> None:
    """`make something` in a page is a target of the Makefile."""
    named = {word for words in NAMED.findall(_code(page.read_text(encoding="utf-8"))) for word in words.split()}
    assert named <= set(_targets()), f"{page.name} names targets that the Makefile lacks"


def test_every_habit_has_a_target() -> None:
    """The habits that the design names are targets."""
    assert set(_targets()) >= HABITS


def test_the_readme_names_the_two_commands() -> None:
    """The README says how to see it and how to test it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


@pytest.mark.parametrize("target", sorted(HABITS - {"setup", "lock"}))
def test_every_habit_sets_up_first(target: str) -> None:
    """On a fresh machine one command is enough: each target depends on the set-up."""
    assert "setup" in _targets()[target].split("##")[0].split()


def test_a_second_setup_has_nothing_to_do() -> None:
    """When neither the lock nor the project changed, make finds the environment up to date."""
    if not (ROOT / ".venv" / ".setup-stamp").exists():
        pytest.skip("the environment was not made by make setup")
    asked = subprocess.run(["make", "--question", "setup"], cwd=ROOT, check=False, capture_output=True)
    newer = [
        name
        for name in ("pyproject.toml", "requirements.lock", "tools/setup.sh")
        if (ROOT / name).stat().st_mtime > (ROOT / ".venv" / ".setup-stamp").stat().st_mtime
    ]
    assert (asked.returncode == 0) == (not newer)
