"""The import law as a contract of import-linter: one line a room, saying which rooms it may import.

A room is a direct child of the package (``core``, ``engine``, ``ports`` ...). The law is a list of lines
``"room: other other"`` under ``allowed`` in ``pyproject.toml``. A line may name a module inside a room
(``"engine.wiring: stores"``): what it lists is allowed to that module on top of its room's line. ``.``
is the package's own ``__init__``. Rooms that do not exist yet are simply not met; a room that exists
and has no line is a violation, so that nobody adds a room without saying where it stands.

Imports inside functions and under ``TYPE_CHECKING`` count: they may spare start-up time, never hide a knot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from grimp import ImportGraph

ROOT = "."


def parse_law(lines: Sequence[str]) -> dict[str, frozenset[str]]:
    """Reads the law's lines.

    Args:
        lines: ``"room: other other"`` each; the part after the colon may be empty.

    Returns:
        What each room, or module inside a room, may import.

    Raises:
        ValueError: a line has no colon, or a room has two lines.
    """
    law: dict[str, frozenset[str]] = {}
    for line in lines:
        room, colon, others = line.partition(":")
        if not colon:
            raise ValueError(f"import law: got {line!r}; wanted 'room: other other'; add the colon")
        if room in law:
            raise ValueError(f"import law: got two lines for {room!r}; wanted one; join them")
        law[room] = frozenset(others.split())
    return law


def allowed_for(module: str, law: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    """Says what a module may import.

    Args:
        module: the name below the root package, ``engine.wiring``; the package itself is ``.``.
        law: what ``parse_law`` returned.

    Returns:
        The rooms that the module may import, by its own lines and its room's, or None where the room has no line.
    """
    if module == ROOT:
        return law.get(ROOT)
    parts = module.split(".")
    if parts[0] not in law:
        return None
    prefixes = (".".join(parts[: n + 1]) for n in range(len(parts)))
    return frozenset().union(*(law.get(prefix, frozenset()) for prefix in prefixes))


class LawContract(Contract):
    """Every direct import between rooms is one that the importing room's line allows."""

    type_name = "law"

    root = fields.StringField()
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 the interface's
        """Compares each import of the graph with the law."""
        law = parse_law(cast("list[str]", self.allowed))
        broken = sorted(self._violations(graph, law))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def _violations(self, graph: ImportGraph, law: Mapping[str, frozenset[str]]) -> Iterator[str]:
        root = str(self.root)
        for full in sorted(graph.modules):
            if full != root and not full.startswith(f"{root}."):
                continue
            module = full.removeprefix(f"{root}.") if full != root else ROOT
            room = module.split(".")[0] or ROOT
            may = allowed_for(module, law)
            if may is None:
                yield f"{full}: got a room without a line in the law; wanted one; add it to pyproject.toml"
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(full)):
                if imported != root and not imported.startswith(f"{root}."):
                    continue
                other = imported.removeprefix(f"{root}.").split(".")[0] if imported != root else ROOT
                if other != room and other not in may:
                    wanted = " ".join(sorted(may)) or "nothing of ours"
                    yield f"{full} imports {imported}; {module} may import: {wanted}"

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints one line a violation."""
        for line in check.metadata["broken"]:
            output.print_error(line)
            output.new_line()
