"""``micromoments.toml`` with other values for a slot: line by line, so that comments and order stay."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from micromoments.config.positions import lines_of

_HEADER = re.compile(r"^\s*\[")
Value = str | float | bool


def with_slot(text: str, slot: str, values: Mapping[str, Value]) -> str:
    """The settings' text with these values in ``[slots.<slot>]``, which is added where it is missing.

    What stands there in another form (a dotted key, an inline table) isn't found; read the result to know.
    """
    lines = lines_of(text)
    named = re.compile(rf"^\s*\[\s*slots\s*\.\s*(?:{re.escape(slot)}|\"{re.escape(slot)}\")\s*\]\s*(?:#.*)?$")
    start = next((n for n, line in enumerate(lines) if named.match(line)), -1)
    if start < 0:
        lines += ["", f"[slots.{slot}]"] if lines and lines[-1].strip() else [f"[slots.{slot}]"]
        start = len(lines) - 1
    end = next((n for n in range(start + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
    for name, value in values.items():
        line = f"{name} = {json.dumps(value)}"
        own = re.compile(rf"^\s*{re.escape(name)}\s*=")
        at = next((n for n in range(start + 1, end) if own.match(lines[n])), -1)
        if at >= 0:
            lines[at] = line
        else:
            lines.insert(start + 1, line)
            end += 1
    return "\n".join(lines) + "\n"
