"""The walk of one event through the house names files and names that exist."""

from __future__ import annotations

import ast
import re

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "explanation" / "one-event.md"
SOURCE = ROOT / "src" / "micromoments"


def names_in(file: str) -> set[str]:
    """The names that a module defines at its top, and ``Class.method`` for the methods of its classes."""
    found: set[str] = set()
    for node in ast.parse((SOURCE / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


def test_every_name_on_the_way_exists() -> None:
    """Each file that the page names is there, and so is each function, class or method named behind it in brackets."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_/]+\.py)`(?:\s+\(((?:`[\w.]+`(?:,\s+)?)+)\))?", text)
    assert len(named) > 30
    wrong: list[str] = []
    for file, names in named:
        if not (SOURCE / file).is_file():
            wrong.append(file)
            continue
        defined = names_in(file)
        wrong += [f"{file}: {name}" for name in re.findall(r"`([\w.]+)`", names) if name not in defined]
    assert wrong == []
