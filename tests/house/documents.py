"""Runs the examples of a Markdown document from top to bottom, as a reader would.

What runs:

* ``python`` blocks, plain or with ``>>>`` prompts, all in one namespace, in which ``shared`` is the shared data's
  folder or None;
* an ``output`` block, which must equal what the block before it printed (``...`` stands for any text);
* ``console`` blocks: each ``$ command`` runs in bash in the document's own empty folder, and the lines below it, if
  there are any, must equal its standard output.

Other languages (``sh``, ``json``, ``toml``, ``text``) are for reading. A comment above a block skips it:
``<!-- skip: next if(shared is None, reason="...") -->``. The command ``micromoments`` is the one of this environment.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import SkipTest

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

if TYPE_CHECKING:
    from sybil.example import Example
    from sybil.typing import Parser

COMMAND_SECONDS = 240
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass
class Ran:
    """What came of a document: how many blocks ran, and why others were skipped."""

    blocks: int = 0
    skipped: list[str] = field(default_factory=list)


def _differs(wanted: str, got: str) -> str | None:
    if doctest.OutputChecker().check_output(wanted, got, FLAGS):
        return None
    return doctest.OutputChecker().output_difference(doctest.Example("", wanted), got, FLAGS)


def _commands(block: str) -> list[tuple[str, str]]:
    """Splits a console block into commands and the output wanted of each; a trailing backslash continues a command."""
    found: list[tuple[str, str]] = []
    going_on = False
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif not found:
            raise ValueError(f"got {line!r} at the top of a console block; wanted a line that starts with '$ '")
        elif going_on:
            found[-1] = (f"{found[-1][0]}\n{line}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        going_on = line.endswith("\\") and not found[-1][1]
    return found


def _run_console(example: Example) -> str | None:
    bin_folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    if example.namespace["shared"] is not None:
        environment["MICROMOMENTS_SHARED"] = str(example.namespace["shared"])
    for command, wanted in _commands(example.parsed):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            return f"$ {command}\nexit status {done.returncode}; wanted 0\n{done.stdout}{done.stderr}"
        if wanted and (difference := _differs(wanted, done.stdout)):
            return f"$ {command}\n{difference}"
    return None


def _check_output(example: Example) -> str | None:
    printed: str | None = example.namespace["printed"]
    return None if printed is None else _differs(example.parsed, printed)  # what was skipped printed nothing


def run_document(path: Path, shared: Path | None) -> Ran:
    """Runs a document's examples in the current folder.

    Args:
        path: the Markdown file.
        shared: the folder of shared data, or None where it is absent.

    Returns:
        How many blocks ran and why others did not.

    Raises:
        sybil.example.SybilFailure: an example's output was another one than written.
    """
    parsers: list[Parser] = [
        SkipParser(),
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        CodeBlockParser("output", _check_output),
        CodeBlockParser("console", _run_console),
    ]
    document = Sybil(parsers=parsers, path=str(path.parent), pattern=path.name).parse(path)
    document.namespace.update(shared=shared, printed="", __name__="__main__")
    ran = Ran()
    for example in document.examples():
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                example.evaluate()
        except SkipTest as reason:
            ran.skipped.append(str(reason))
            document.namespace["printed"] = None
            continue
        if isinstance(example.parsed, tuple):  # a skip directive, not a block
            continue
        ran.blocks += 1
        document.namespace["printed"] = printed.getvalue()
    return ran
