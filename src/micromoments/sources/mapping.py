"""How the columns of a file become events in the Segment shape: a mapping, written down as TOML or in a few words.

    about = "Clicks of a shop"

    [fields]
    anonymousId = "visitor"                                       # the column of that name
    event = { column = "action", values = { view = "Product Viewed" } }
    timestamp = { column = "ts", unit = "s" }
    properties.product_id = ["sku", "item.sku"]                   # the first of these that the row has
    properties.currency = { value = "EUR" }                       # the same for every row

A field that a row has no value for is left out of its event.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

Format = Literal["csv", "jsonl", "parquet", "segment", "ga4-bigquery", "snowplow-enriched", "shopify-orders"]
Unit = Literal["auto", "s", "ms", "us", "minutes", "hours", "days"]
As = Literal["", "text", "number", "integer", "boolean", "json"]

PLAIN = (
    "type", "messageId", "userId", "anonymousId", "previousId", "groupId", "event", "name", "category", "timestamp",
)  # fmt: skip
"""The fields of an event that hold one value."""
BAGS = ("properties", "traits", "context")
"""The fields that hold others: ``properties.product_id``, ``context.location.latitude``."""
_PRESETS = "micromoments.sources.presets"


class MappingError(ValueError):
    """A mapping that can't be used: what was got, what was wanted."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"as_": "as"}):
    """Where one field's value comes from, and what is done with it.

    Exactly one of ``column`` (a name, or several of which the first that has a value counts; dots walk into objects),
    ``value`` (a constant) and ``template`` (text with ``{column}`` in it).

    ``values`` translates what the column says; what it doesn't name is kept, or by ``otherwise`` the row is rejected,
    or skipped and not counted as bad. ``as`` is the type wanted. For ``timestamp``: the ``unit`` of numbers ("auto"
    tells seconds, milliseconds and microseconds by their size), counted ``since`` an instant (RFC 3339; 1970 unless
    given), or a ``format`` for ``strptime`` (UTC unless it reads an offset).
    """

    column: str | tuple[str, ...] = ""
    value: Any = None
    template: str = ""
    values: dict[str, str] = {}
    otherwise: Literal["keep", "reject", "skip"] = "keep"
    as_: As = ""
    unit: Unit = "auto"
    since: str = ""
    format: str = ""

    def __post_init__(self) -> None:
        given = sum((bool(self.column), self.value is not None, bool(self.template)))
        if given != 1:
            raise ValueError(f"got {given} of column, value and template; wanted exactly one")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        if self.template:
            return tuple(re.findall(r"{([^{}]+)}", self.template))
        if isinstance(self.column, str):
            return (self.column,) if self.column else ()
        return self.column


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A whole mapping: how to read the file, and a field for each part of the event, by its dotted path.

    ``rest`` says what becomes of columns that no field reads: dropped, so that nothing gets in that nobody named, or
    put among the properties under their own names.
    """

    about: str = ""
    format: Format | None = None
    delimiter: str = ""
    rest: Literal["drop", "properties"] = "drop"
    fields: dict[str, Field] = {}

    def over(self, other: Shape) -> Shape:
        """This mapping on top of another: its fields win."""
        return Shape(
            about=self.about or other.about,
            format=self.format or other.format,
            delimiter=self.delimiter or other.delimiter,
            rest=self.rest if self.rest != "drop" else other.rest,
            fields={**other.fields, **self.fields},
        )

    @property
    def digest_words(self) -> bytes:
        """What of the mapping decides which events come out, as bytes to take a digest of."""
        return msgspec.json.encode((self.format, self.delimiter, self.rest, self.fields), order="sorted")


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    about: str = ""
    format: Format | None = None
    delimiter: str = ""
    rest: Literal["drop", "properties"] = "drop"
    fields: dict[str, Any] = {}


def parse(text: str, name: str = "mapping.toml") -> Shape:
    r"""A mapping from TOML.

    Raises:
        MappingError: it is no TOML, or not a mapping.

    >>> parse('[fields]\nuserId = "visitor"\nproperties.query = "q"').fields["properties.query"].columns
    ('q',)
    """
    try:
        read = msgspec.convert(tomllib.loads(text), _File)
        fields = {path: _field(path, given) for path, given in _flat(read.fields)}
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{name}: got {error}; wanted TOML") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise MappingError(f"{name}: {error}") from None
    return Shape(about=read.about, format=read.format, delimiter=read.delimiter, rest=read.rest, fields=fields)


def words(pairs: str) -> Shape:
    """A mapping in a few words: ``userId=visitor,event=action,properties.currency:=EUR``.

    ``field=column`` reads a column, ``field:=text`` is the same text for every row.

    Raises:
        MappingError: not such pairs.

    >>> sorted(words("userId=visitor,type:=page").fields)
    ['type', 'userId']
    """
    fields: dict[str, Field] = {}
    for pair in pairs.split(","):
        target, equals, source = (part.strip() for part in pair.partition("="))
        if not equals or not target.rstrip(":") or not source:
            raise MappingError(f"got {pair!r} in the mapping; wanted field=column or field:=text, with commas between")
        if target.endswith(":"):
            target = target[:-1].strip()
            fields[target] = _field(target, {"value": source})
        else:
            fields[target] = _field(target, source)
    return Shape(fields=fields)


def load(given: Iterable[str]) -> Shape:
    """The mapping that some ``--map`` arguments make together, each a TOML file or pairs; later ones win.

    Raises:
        MappingError: one of them can't be used.
    """
    shape = Shape()
    for one in given:
        path = Path(one)
        if one.endswith(".toml") or ("=" not in one and path.is_file()):
            try:
                text = path.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise MappingError(
                    f"got the mapping {one!r}, which can't be read ({error}); wanted a TOML file"
                ) from None
            shape = parse(text, one).over(shape)
        else:
            shape = words(one).over(shape)
    return shape


def presets() -> list[str]:
    """The names of the mappings that ship with the package."""
    folder = resources.files(_PRESETS)
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def preset(name: str) -> Shape:
    """A mapping that ships with the package.

    Raises:
        MappingError: there is none of that name.
    """
    if name not in presets():
        raise MappingError(f"got the preset {name!r}; wanted one of {', '.join(presets())}, or --map with a mapping")
    return parse(resources.files(_PRESETS).joinpath(f"{name}.toml").read_text(encoding="utf-8"), f"preset {name}")


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """(path, what it is given) for every field; nested tables are paths, tables with a source are fields."""
    for name, given in fields.items():
        path = f"{prefix}{name}"
        bag = not prefix and name in BAGS
        if isinstance(given, dict) and (bag or not given.keys() & {"column", "value", "template"}):
            yield from _flat(given, f"{path}.")
        else:
            yield path, given


def _field(path: str, given: Any) -> Field:
    top, dot, rest = path.partition(".")
    if top not in PLAIN if not dot else top not in BAGS or not all(rest.split(".")):
        wanted = f"{', '.join(PLAIN)}, or a path such as properties.product_id, traits.email, context.device.type"
        raise MappingError(f"got a field {path!r}; wanted {wanted}")
    if isinstance(given, str | list):
        given = {"column": given}
    try:
        return msgspec.convert(given, Field)
    except msgspec.ValidationError as error:
        raise MappingError(f"fields.{path}: {error}") from None
