"""A Postgres of the test's own, from installed binaries, asked through ``psql``: the second engine of the reports."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from micromoments.core.fact import SCHEMAS, Fact

_TYPES = {str: "text", int: "bigint", float: "double precision", bool: "boolean"}


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, the newest; None where Postgres isn't installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found and (there := shutil.which("initdb")):
        found = [Path(there)]
    return found[-1].parent if found and shutil.which("psql") else None


@contextmanager
def running(folder: Path, tools: Path) -> Iterator[Postgres]:
    """A server in a folder, reached by a socket there; it is ended afterwards."""
    user = _user()
    folder.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    _tool(user, tools / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c jit=off -c timezone=UTC"
    _tool(user, tools / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield Postgres(folder)
    finally:
        _tool(user, tools / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _user() -> str | None:
    """Whom to run as: Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _tool(user: str | None, *words: object) -> None:
    more: dict[str, Any] = (
        {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    )
    done = subprocess.run(
        [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", check=False,
        timeout=120, **more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode() if done.stderr else words


class Postgres:
    """A running server."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def load(self, facts: Iterable[Fact]) -> None:
        """A table for each kind of fact, holding these."""
        every = list(facts)
        sql = []
        for table, schema in SCHEMAS.items():
            columns = ", ".join(f'"{name}" {_type(kind)}' for name, kind in get_type_hints(schema).items())
            sql.append(f"CREATE TABLE {table} ({columns});")
            for fact in every:
                if isinstance(fact, schema):
                    values = ", ".join(literal(value) for value in msgspec.structs.astuple(fact))
                    sql.append(f"INSERT INTO {table} VALUES ({values});")
        self._run("\n".join(sql))

    def query(self, sql: str, params: Sequence[object]) -> list[dict[str, Any]]:
        """What a store offers to reports."""
        pieces = sql.split("?")
        assert len(pieces) == len(params) + 1, sql
        filled = pieces[0] + "".join(literal(p) + piece for p, piece in zip(params, pieces[1:], strict=True))
        told = self._run(f"SELECT coalesce(json_agg(t), '[]') FROM ({filled}) AS t;")
        rows: list[dict[str, Any]] = json.loads(told)
        return rows

    def _run(self, sql: str) -> str:
        words = ["psql", "-h", str(self._socket), "-U", "tester", "-d", "postgres", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(words, input=sql.encode(), capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, f"{done.stderr.decode()[:600]}\n{sql[-1500:]}"
        return done.stdout.decode()


def literal(value: object) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"'{value}'::double precision"
    if value == []:
        return "'{}'"
    if isinstance(value, list):
        kind = "double precision" if value and isinstance(value[0], float) else "text"
        return f"ARRAY[{', '.join(literal(one) for one in value)}]::{kind}[]"
    return "'" + str(value).replace("'", "''") + "'"


def _type(kind: Any) -> str:
    if get_origin(kind) is list:
        return f"{_TYPES[get_args(kind)[0]]}[]"
    return _TYPES[kind]
