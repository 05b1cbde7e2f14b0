"""Each counter and gauge says in words what it counts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import micromoments.engine
from micromoments.server.metrics import SAID, families

ENGINE = Path(micromoments.engine.__file__).parent
BY_ROLES = {"ready"}
"""Told beside what a role counts (``server.probes``)."""


def counted() -> set[str]:
    """The names under which any ``stats`` of the engine, or of a cluster's roles, gives a figure."""
    names: set[str] = set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name == "stats":
                keys = [key for part in ast.walk(node) if isinstance(part, ast.Dict) for key in part.keys]
                names |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return names


def test_every_figure_has_words_and_every_word_a_figure() -> None:
    """One that is added without words, or words whose figure is gone, would only be met by an operator."""
    assert counted() | BY_ROLES == set(SAID)


@pytest.mark.parametrize("name", ["commits_total", "apply_lag_seconds"])
def test_the_words_are_more_than_the_name(name: str) -> None:
    """They stand on the page that a scraper reads."""
    (family,) = families({name: 1.0})
    assert family.documentation == SAID[name]
    assert family.documentation.casefold().rstrip(".") != name.removesuffix("_total").replace("_", " ")
