"""Checks that a file reads in one sitting and a function on one screen (house rule 12).

usage: python tools/check_sizes.py FOLDER...
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_LINES = 400
#: Lines of a function without its decorators and its docstring.
MAX_FUNCTION_LINES = 60


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    has_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return total - ((first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0)


def too_large(source: str) -> Iterator[tuple[int, str]]:
    """Finds what is too large in a file.

    Args:
        source: the text of a Python file.

    Yields:
        The line, counted from 1, and what is too large there.
    """
    lines = len(source.splitlines())
    if lines > MAX_FILE_LINES:
        yield 1, f"got a file of {lines} lines; wanted at most {MAX_FILE_LINES}; split it by idea"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (n := _body_lines(node)) > MAX_FUNCTION_LINES:
            yield (
                node.lineno,
                f"got {n} lines in {node.name}(); wanted at most {MAX_FUNCTION_LINES}; name its steps",
            )


def main(folders: list[str]) -> int:
    """Prints each thing that is too large; returns the exit status, 1 where any was found."""
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    bad = 0
    for file in files:
        for line, what in too_large(file.read_text(encoding="utf-8")):
            bad += 1
            print(f"{file}:{line}: {what}", file=sys.stderr)
    print(f"sizes: {len(files)} files, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
