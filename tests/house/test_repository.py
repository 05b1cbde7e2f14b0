"""The repository names no machine, no registry, and no host that its pages would fetch from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Written in pieces, so that this file does not find itself.
PERSONAL_FOLDERS = re.compile(
    r"(?<![\w.])/(?:" + "|".join(["ro" + "ot/", "ho" + "me/[a-z]", "Us" + "ers/[A-Za-z]"]) + ")"
)
REGISTRIES = [
    f"{name}.{end}" for name, end in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")]
]


def _files() -> list[Path]:
    """The files that are in the repository or would be added to it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of files")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def _texts() -> list[tuple[str, str]]:
    """Each text file's name and content."""
    found = []
    for file in _files():
        content = file.read_bytes()
        if b"\0" not in content[:8192]:
            found.append((str(file.relative_to(ROOT)), content.decode("utf-8", errors="replace")))
    return found


def test_no_file_names_a_machine() -> None:
    """No file holds this checkout's own path or somebody's home folder."""
    here = re.compile(re.escape(str(ROOT)) + r"\b") if len(ROOT.parts) > 2 else PERSONAL_FOLDERS
    assert [name for name, text in _texts() if here.search(text) or PERSONAL_FOLDERS.search(text)] == []


def test_no_file_names_a_registry() -> None:
    """No file holds a package registry's host: everyone's pip knows its own."""
    assert [name for name, text in _texts() if any(host in text for host in REGISTRIES)] == []


def test_the_lock_holds_names_versions_and_hashes_only() -> None:
    """The lock file has a hash for every distribution and no address."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==.*$", text, re.MULTILINE)
    assert pins
    assert [pin for pin in pins if not pin.endswith("\\")] == []


def test_no_large_file_is_kept() -> None:
    """Data stays outside: no file of the repository is larger than 5 MiB."""
    assert [str(file.relative_to(ROOT)) for file in _files() if file.stat().st_size > 5 * 2**20] == []


def test_every_file_of_the_engine_is_in_the_house() -> None:
    """The page of the house says of each file of the engine what it does."""
    house = (ROOT / "docs" / "explanation" / "house.md").read_text(encoding="utf-8")
    files = sorted((ROOT / "src" / "micromoments" / "engine").glob("[a-z]*.py"))
    assert [file.name for file in files if f"| `{file.name}` |" not in house] == []


def test_every_decision_is_in_the_index() -> None:
    """Each numbered decision has a line in the index, and numbers are not used twice."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in pages if f"({page.name})" not in index] == []
    numbers = [page.name[:4] for page in pages]
    assert len(numbers) == len(set(numbers))
