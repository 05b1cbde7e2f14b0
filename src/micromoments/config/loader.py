"""Reads ``micromoments.toml`` into settings, whole or not at all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from micromoments.config.mistakes import ConfigError, Found, Mistake, located
from micromoments.config.positions import line_numbers, lines_of
from micromoments.config.rules import impossible
from micromoments.config.shape import misshapen, too_wide
from micromoments.core.settings import Recognition, Settings

FILE_NAME = "micromoments.toml"
KEYS_TABLE = "keys"
"""The table of ``keys.load_keys``; it is no setting, so that no key can get into settings or their digest."""

CLUSTER_TABLE = "cluster"
"""The table of ``cluster.load_cluster``: where things are, and nothing that is decided by."""

_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)")
_TWICE = re.compile(r"cannot (?:overwrite a value|declare \((.*)\) twice)(?: at the end)?")
"""How the standard library says that something stands in the file a second time."""


def load(folder: Path) -> Settings:
    """Reads the settings of a project.

    Args:
        folder: the project's folder, or the file itself.

    Returns:
        The settings; all defaults where the folder has no ``micromoments.toml``.

    Raises:
        ConfigError: the file can't be used; every mistake is in it, with its line.
        OSError: the file is there and can't be read.
    """
    file = folder / FILE_NAME if folder.is_dir() else folder
    return parse(read_text(file), file) if file.exists() else Settings()


def parse(text: str, file: Path | str = FILE_NAME) -> Settings:
    r"""Reads settings from the text of a file.

    Args:
        text: TOML.
        file: the name that mistakes are reported under.

    Raises:
        ConfigError: the text can't be used.

    >>> parse("[slots.home]\nlimit = 5").slot("home").limit
    5
    >>> parse('[slots.home]\nlimit = "5"')
    Traceback (most recent call last):
    micromoments.config.mistakes.ConfigError: micromoments.toml:2: slots.home.limit: got "5" (text); wanted a whole ...
    """
    data = {key: value for key, value in read_toml(text, file).items() if key not in (KEYS_TABLE, CLUSTER_TABLE)}
    _refuse(list(misshapen(data, Settings)), text, file)
    settings = msgspec.convert(_with_defaults(data), Settings)
    _refuse(list(impossible(settings)), text, file)
    return settings


def read_text(file: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: it is not in UTF-8.
        OSError: it can't be read.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        mistake = Mistake(
            file=str(file),
            line=0,
            setting="",
            got=f"a byte that is not UTF-8 at position {error.start}",
            wanted="a text file in UTF-8",
            todo="save it as UTF-8",
        )
        raise ConfigError([mistake]) from error


def read_toml(text: str, file: Path | str) -> dict[str, Any]:
    """The data of a TOML text, as the standard library reads it.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT_LINE.search(said)
        line = int(at[1]) if at else len(lines_of(text))
        got = _AT_LINE.sub("", said).replace(" (at end of document)", " at the end")
        got = _TWICE.sub(_said_twice, got[:1].lower() + got[1:])
        got = re.sub("^expected ", "no ", got).replace("invalid value", "what is no value")
        todo = _mended("".join(lines_of(text)[line - 1 : line]))
        raise ConfigError(
            [Mistake(file=str(file), line=line, setting="", got=got, wanted="TOML", todo=todo)]
        ) from error
    except ValueError as error:  # a number of more digits than Python reads
        got = "a number of thousands of digits"
        raise ConfigError([Mistake(file=str(file), line=0, setting="", got=got, wanted="TOML")]) from error
    _refuse(list(too_wide(data)), text, file)
    return data


def _mended(line: str) -> str:
    """What to do about a line that is no TOML, where it is a common slip; the line isn't shown, as it may hold a key.

    >>> _mended("goal = \u201corder\u201d"), _mended("goal = order")
    ('write straight quotes', 'write text in quotes')
    """
    if set(line) & set("\u201c\u201d\u201e\u2018\u2019"):
        return "write straight quotes"
    if re.match(r"\s*[\w-]+\s*:", line):
        return "write key = value, and a table as [slots.home] on a line of its own"
    return "write text in quotes" if re.match(r"\s*[\w.-]+\s*=\s*[A-Za-z]", line) else ""


def _said_twice(found: re.Match[str]) -> str:
    table = ".".join(part.strip("' ") for part in (found[1] or "").split(",") if part.strip())
    return f"the table [{table}] a second time" if table else "a setting that its table has already"


def _refuse(found: list[Found], text: str, file: Path | str) -> None:
    if found:
        raise ConfigError(located(found, file, line_numbers(text)))


def _with_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """Half-lives and lifetimes that name some types keep the defaults of the others."""
    given = data.get("recognition")
    if not given:
        return data
    default = Recognition()
    minutes = {key: {**getattr(default, key), **given[key]} for key in ("half_life", "lifetime") if key in given}
    return {**data, "recognition": {**given, **minutes}}
