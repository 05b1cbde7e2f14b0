"""Documentation runs: the README, every page of the site, and every example in a docstring."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest
from sybil.example import SybilFailure

from tests.conftest import ROOT, shared_folder
from tests.house.documents import run_document

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted(file for file in (ROOT / "src").rglob("*.py") if ">>> " in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of a page runs and prints what the page shows."""
    monkeypatch.chdir(tmp_path)
    ran = run_document(page, shared_folder())
    if ran.skipped:
        pytest.skip(f"{len(ran.skipped)} examples skipped, {ran.blocks} ran: {'; '.join(sorted(set(ran.skipped)))}")


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT / "src")))
def test_a_docstring_does_what_it_says(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example in a module's docstrings runs and gives what is written there."""
    monkeypatch.chdir(tmp_path)
    parts = file.relative_to(ROOT / "src").with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted, f"{file} has prompts outside of docstrings"
    assert result.failed == 0


def test_a_wrong_example_is_noticed(tmp_path: Path) -> None:
    """An output that is not the one written fails the page, for prompts, output blocks and commands alike."""
    page = tmp_path / "page.md"
    wrong = {
        "prompt": "```python\n>>> 1 + 1\n3\n```\n",
        "output": "```python\nprint('a')\n```\n\n```output\nb\n```\n",
        "console": "```console\n$ echo a\nb\n```\n",
        "status": "```console\n$ false\n```\n",
    }
    for text in wrong.values():
        page.write_text(text, encoding="utf-8")
        with pytest.raises(SybilFailure):
            run_document(page, None)


def test_right_examples_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks share one namespace and one folder, continued commands included, and a skipped block says why."""
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 2\nprint('x is', x)\n```\n\n```output\nx ... 2\n```\n\n"
        "```python\n>>> x + 1\n3\n```\n\n```console\n$ echo one > file\n$ cat \\\n  file\none\n```\n\n"
        '<!-- skip: next if(shared is None, reason="no data") -->\n\n```python\nraise SystemError\n```\n\n'
        "```sh\nmake demo\n```\n",
        encoding="utf-8",
    )
    ran = run_document(page, None)
    assert ran.blocks == 4
    assert ran.skipped == ["no data"]
