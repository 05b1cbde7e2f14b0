"""Does the data of a file have the shape of the settings? Every mistake at once, each with its place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from micromoments.config.mistakes import Found, Place, meant, shown

_PLAIN: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}
_MANY = {"a table": "tables", "a whole number": "whole numbers", "a number": "numbers"}


def misshapen(value: Any, wanted: Any, place: Place = ()) -> Iterator[Found]:
    """Compares a value of a parsed file with a type.

    Args:
        value: what the TOML parser gave.
        wanted: a struct, a plain type, or a dictionary, tuple, literal or union of such.
        place: where the value stands.

    Yields:
        One finding a mistake; nothing where the value can be converted to the type.
    """
    origin = get_origin(wanted)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        yield from _table(value, wanted, place)
    elif origin is dict:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from misshapen(inner, get_args(wanted)[1], (*place, key))
        else:
            yield _wrong(value, wanted, place)
    elif origin is tuple:
        if isinstance(value, list):
            for at, inner in enumerate(value):
                yield from misshapen(inner, get_args(wanted)[0], (*place, str(at)))
        else:
            yield _wrong(value, wanted, place)
    elif origin in (Union, UnionType):
        if all(list(misshapen(value, one, place)) for one in get_args(wanted)):
            yield _wrong(value, wanted, place)
    elif not _plain_fits(value, wanted):
        yield _wrong(value, wanted, place)


def too_wide(value: Any, place: Place = ()) -> Iterator[Found]:
    """Whole numbers that no store could keep, which TOML does not allow either, wherever they stand."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from too_wide(inner, (*place, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from too_wide(inner, (*place, str(at)))
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield Found(place, "a whole number of more than 64 bits", "a smaller one", "what is no number stands in quotes")


def said(wanted: Any) -> str:
    """A type in a file author's words.

    >>> said(Literal["live", "off"])
    'one of "live", "off"'
    """
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted in _PLAIN:
        return _PLAIN[wanted]
    if origin is Literal:
        return "one of " + ", ".join(f'"{one}"' for one in inner)
    if origin is tuple:
        one = said(inner[0])
        return f"a list of {_MANY.get(one, one)}"
    if origin in (Union, UnionType):
        return " or ".join(said(one) for one in inner if one is not type(None))
    return "a table"


def _plain_fits(value: Any, wanted: Any) -> bool:
    if wanted is Any:
        return True
    if wanted is type(None):
        return value is None
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def _wrong(value: Any, wanted: Any, place: Place) -> Found:
    todo = ""
    if isinstance(value, str) and wanted in (int, float, bool):
        todo = "write it without quotes"
    elif get_origin(wanted) is tuple and said(get_args(wanted)[0]) == "a table":
        todo = f"write [[{'.'.join(place)}]] on a line of its own, and what belongs to it below"
    elif isinstance(value, str) and get_origin(wanted) is tuple:
        todo = f'write ["{value}"]'
    elif isinstance(value, list) and get_origin(wanted) is dict:
        todo = f"write {place[-1]} = {{ {', '.join(f'{one} = ...' for one in value[:3] or ['name'])} }}"
    elif isinstance(value, str) and get_origin(wanted) is Literal:
        todo = meant(value, get_args(wanted))
    if isinstance(value, float) and not math.isfinite(value):
        return Found(place, str(value), f"{said(wanted)} that is finite")
    return Found(place, shown(value), said(wanted), todo)


def _table(value: Any, struct: type[msgspec.Struct], place: Place) -> Iterator[Found]:
    if not isinstance(value, dict):
        yield Found(place, shown(value), "a table", f"write [{'.'.join(place)}] on a line of its own")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, inner in value.items():
        if key in fields:
            yield from misshapen(inner, fields[key].type, (*place, key))
        else:
            known = ", ".join(fields)
            yield Found((*place, key), "a setting that is not known", f"one of {known}", meant(key, tuple(fields)))
    for key, field in fields.items():
        if field.required and key not in value:
            yield Found(place, f"no {key}", said(field.type), f"add {key} = ...")
