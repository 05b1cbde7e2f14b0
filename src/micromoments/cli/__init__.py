"""The command line: one file a command. Data on stdout, words on stderr, ``-`` is stdin.

Exit codes: 0 done, 1 failed, 2 usage, 3 done with data set aside.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

COMMANDS = (
    "serve",
    "work",
    "learn",
    "migrate",
    "demo",
    "mcp",
    "recognise",
    "import",
    "consume",
    "backtest",
    "policy",
    "train",
    "report",
    "audit",
    "simulate",
    "replay",
    "doctor",
    "export",
    "erase",
    "backup",
    "restore",
    "rehearse",
    "off",
    "on",
    "deliveries",
)
"""Every command, in the order of the help; each lives in the file of its name."""


EXTRAS = {"redis": "cluster", "confluent_kafka": "cluster", "cryptography": "cluster"}
"""Libraries that the rooms of a cluster take, by the extra that brings them."""


def main() -> None:
    """Run the command line; errors that a user can mend are told in one line, without a traceback."""
    # A stream that the caller closed (``>&-``) is None here, which no writer expects.
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    try:
        _run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _run() -> None:
    from micromoments.config import ConfigError
    from micromoments.ports import StoreError

    app = typer.Typer(
        name="micromoments",
        help="Recognise the moment a consumer is in, serve the best thing for it, learn, and prove what it was worth.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # Small matrices on shared cores: BLAS's own threads wait for each other, at five times the processor time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    asked = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] in COMMANDS else None
    for name in (asked,) if asked else COMMANDS:
        door = getattr(import_module(f"micromoments.cli.{file_of(name)}"), file_of(name))
        if isinstance(door, typer.Typer):
            app.add_typer(door, name=name)
        else:
            app.command(name)(door)
    app.callback()(_keep_names)
    try:
        app()
    except (ConfigError, StoreError, ValueError, OSError) as error:
        sys.stderr.write(f"micromoments: {_words(error)}\n")
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        sys.stderr.write(f"micromoments: {_missing(error.name, EXTRAS[error.name])}\n")
        raise SystemExit(1) from None
    except RecursionError:
        sys.stderr.write("micromoments: got lists or tables nested without end; wanted a file that is flatter\n")
        raise SystemExit(1) from None
    except MemoryError:
        sys.stderr.write("micromoments: got more than this machine's memory holds; give it less, or more memory\n")
        raise SystemExit(1) from None


def _missing(module: str, extra: str) -> str:
    """What to install, for a library that an extra brings.

    >>> _missing("redis", "cluster")
    "got no library redis, which this needs; install it: pip install 'micromoments[cluster]'"
    """
    return f"got no library {module}, which this needs; install it: pip install 'micromoments[{extra}]'"


def _words(error: Exception) -> str:
    """An error in words. What the system says of a file names the file, and not the system's number.

    >>> _words(FileNotFoundError(2, "No such file or directory", "clicks.csv"))
    "got 'clicks.csv': no such file or directory; name one that is there and that this user may use"
    """
    if not isinstance(error, OSError) or error.filename is None or error.strerror is None:
        return str(error)
    said = error.strerror[:1].lower() + error.strerror[1:]
    return f"got {os.fsdecode(error.filename)!r}: {said}; name one that is there and that this user may use"


def file_of(command: str) -> str:
    """The module and function of a command: its name, with an underscore where Python keeps the word."""
    return f"{command}_" if command == "import" else command


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"micromoments {version('micromoments')}")
        raise typer.Exit


def _keep_names(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is and exit."),
    ] = False,
) -> None:
    """Recognise the moment a consumer is in, serve the best thing for it, learn, and prove what it was worth."""
