"""Checks that the pure rooms are pure: no input or output, no clock, no chance, no threads.

Time, chance and effects reach these rooms as arguments (house rules 1 and 2). The check reads the source's
syntax tree, so it also sees imports inside functions, and calls such as ``datetime.now()``.

usage: python tools/check_imports.py [FOLDER of the package]
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "micromoments"

PURE_ROOMS = ("core", "recognise", "retrieve", "policy", "decide", "learn", "report", "simulate", "flow")

#: Modules that touch the world, by the first part of their names.
FORBIDDEN_MODULES = frozenset(
    """
    asyncio concurrent ctypes fcntl ftplib getpass glob http locale logging mmap multiprocessing os
    pathlib platform queue random sched secrets select selectors shelve shutil signal smtplib socket
    socketserver sqlite3 ssl subprocess tempfile threading time tracemalloc webbrowser
    aiohttp duckdb httptools httpx prometheus_client redis requests rich typer uvicorn uvloop
    """.split()  # noqa: SIM905 a list of words reads as words
)
#: Modules whose parent is harmless. ``importlib.resources`` is none: what ships beside the code is part of the code.
FORBIDDEN_SUBMODULES = frozenset({"urllib.request"})
#: Builtins that read or write.
FORBIDDEN_BUILTINS = frozenset({"breakpoint", "input", "open", "print"})
#: Attributes that read a clock or draw at random, with the names that they are attributes of.
FORBIDDEN_ATTRIBUTES = {
    "now": frozenset({"datetime"}),
    "utcnow": frozenset({"datetime"}),
    "today": frozenset({"datetime", "date"}),
    "uuid1": frozenset({"uuid"}),
    "uuid4": frozenset({"uuid"}),
}


def _module_problem(name: str) -> str | None:
    if name.split(".", maxsplit=1)[0] in FORBIDDEN_MODULES:
        return name
    return next((bad for bad in FORBIDDEN_SUBMODULES if f"{name}.".startswith(f"{bad}.")), None)


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _call_problem(node: ast.Call) -> str | None:
    called = node.func
    if isinstance(called, ast.Name):
        return f"{called.id}()" if called.id in FORBIDDEN_BUILTINS else None
    if not isinstance(called, ast.Attribute):
        return None
    owner = called.value
    owner_name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    if owner_name in FORBIDDEN_ATTRIBUTES.get(called.attr, ()):
        return f"{owner_name}.{called.attr}()"
    if called.attr == "default_rng" and not (node.args or node.keywords):
        return "default_rng() without a seed"
    return None


def impurities(source: str) -> Iterator[tuple[int, str]]:
    """Finds what a pure file must not do.

    Args:
        source: the text of a Python file.

    Yields:
        The line, counted from 1, and what was found there.
    """
    for node in ast.walk(ast.parse(source)):
        found = {problem for name in _imports(node) if (problem := _module_problem(name))}
        if isinstance(node, ast.Call) and (problem := _call_problem(node)):
            found.add(problem)
        for what in sorted(found):
            yield getattr(node, "lineno", 0), what


def main(package: Path = PACKAGE) -> int:
    """Prints each impurity with its place; returns the exit status, 1 where any was found."""
    files = sorted(file for room in PURE_ROOMS for file in (package / room).rglob("*.py"))
    bad = 0
    for file in files:
        for line, what in impurities(file.read_text(encoding="utf-8")):
            bad += 1
            print(
                f"{file}:{line}: got {what} in a pure room; wanted time, chance and effects as arguments; "
                "move it to engine/ or pass its result in",
                file=sys.stderr,
            )
    print(f"purity: {len(files)} files of {len(PURE_ROOMS)} rooms, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) > 1 else main())
