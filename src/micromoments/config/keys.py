"""The keys of a project: never in the file itself, but named there by environment variable or file.

.. code-block:: toml

    [keys]
    write = { env = "SHOP_WRITE_KEY" }
    secret = [{ file = "secret.key" }, { file = "secret.old.key" }] # several while one replaces another
    token = { env = "SHOP_TOKEN_KEY" }

Without the table, ``MICROMOMENTS_WRITE_KEY``, ``MICROMOMENTS_SECRET_KEY`` and ``MICROMOMENTS_TOKEN_KEY`` are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from micromoments.config.loader import FILE_NAME, KEYS_TABLE, read_text, read_toml
from micromoments.config.mistakes import ConfigError, Found, located, meant, shown
from micromoments.config.positions import line_numbers
from micromoments.core.settings import Reference

NAMES = ("write", "secret", "token")
REFERENCE = '{ env = "NAME" } or { file = "path" }'


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do what: public ``write`` keys, ``secret`` keys, and ``token`` keys that check person tokens.

    Any of several keys is good, so that one can replace another without a gap.
    """

    write: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    token: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """How many there are; a key never gets into a log or a traceback."""
        return f"Keys(write={len(self.write)}, secret={len(self.secret)}, token={len(self.token)})"

    def __bool__(self) -> bool:
        """Whether there is any key; without one, only this machine is served."""
        return bool(self.write or self.secret or self.token)


def load_keys(folder: Path, environment: Mapping[str, str]) -> Keys:
    """Finds the keys of a project.

    Args:
        folder: the project's folder, or its configuration file; key files are looked for relative to it.
        environment: the environment's variables.

    Raises:
        ConfigError: a key is written out, what is named is not there or is empty, or the file is no TOML.
        OSError: the configuration file can't be read.
    """
    file = folder / FILE_NAME if folder.is_dir() else folder
    text = read_text(file) if file.exists() else ""
    data = read_toml(text, file)
    if KEYS_TABLE not in data:
        named = {name: environment.get(f"MICROMOMENTS_{name.upper()}_KEY", "") for name in NAMES}
        return Keys(**{name: (key,) for name, key in named.items() if key})
    found: list[Found] = []
    keys = _read(data[KEYS_TABLE], file.parent, environment, found)
    if found:
        raise ConfigError(located(found, file, line_numbers(text)))
    return Keys(**keys)


def load_secret(reference: Reference | None, folder: Path, environment: Mapping[str, str]) -> str:
    """The secret that a setting refers to; empty where it refers to none.

    Raises:
        ValueError: it isn't there. What is said never shows a secret.
    """
    if reference is None:
        return ""
    found: list[Found] = []
    named = {key: value for key, value in (("env", reference.env), ("file", reference.file)) if value}
    secret = next(_resolve(named, ("secret",), folder, environment, found), "")
    if found:
        raise ValueError(f"secret: got {found[0].got}; wanted {found[0].wanted}; {found[0].todo}")
    return secret


def _read(table: Any, folder: Path, environment: Mapping[str, str], found: list[Found]) -> dict[str, tuple[str, ...]]:
    """The keys of the table; what is wrong is added to ``found``."""
    if not isinstance(table, dict):
        found.append(Found((KEYS_TABLE,), shown(table), "a table", "write [keys] on a line of its own"))
        return {}
    keys: dict[str, tuple[str, ...]] = {}
    for name, given in table.items():
        if name not in NAMES:
            wanted = f"one of {', '.join(NAMES)}"
            found.append(Found((KEYS_TABLE, name), "a key that is not known", wanted, meant(name, NAMES)))
            continue
        references = given if isinstance(given, list) else [given]
        keys[name] = tuple(
            key for one in references for key in _resolve(one, (KEYS_TABLE, name), folder, environment, found)
        )
    return keys


def _resolve(
    reference: Any, place: tuple[str, ...], folder: Path, environment: Mapping[str, str], found: list[Found]
) -> Iterator[str]:
    """The key that one reference leads to, or nothing and a finding; what a finding shows is never a key."""
    match reference:
        case {"env": str(variable)} if len(reference) == 1:
            key = environment.get(variable, "").strip()
            problem = f"no variable {variable} in the environment, or an empty one"
            todo = f"set {variable}"
        case {"file": str(name)} if len(reference) == 1:
            path = folder / name
            try:
                key, problem = path.read_text(encoding="utf-8-sig").strip(), f"an empty file {path}"
            except (OSError, UnicodeDecodeError) as error:
                key, problem = "", f"no readable file {path} ({type(error).__name__})"
            todo = "write the key into it, readable by the server's user only"
        case str():
            key, problem, todo = "", "a key written out", "keep it out of the file, so that the file can be shared"
        case _:
            key, problem, todo = "", shown(reference), ""
    if key:
        yield key
    else:
        found.append(Found(place, problem, f"a key by {REFERENCE}", todo))
