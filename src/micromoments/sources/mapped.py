"""Rows to events: a mapping made ready for one file's columns, quick enough for millions of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from micromoments.core.event import Millis
from micromoments.sources.mapping import Field, MappingError, Shape
from micromoments.sources.segment import instant

Row = Sequence[str] | Mapping[str, Any]
"""A row as it was read: the cells of a CSV line, or an object."""
Get = Callable[[Any], Any]

_UNITS = {"s": 1000.0, "ms": 1.0, "us": 0.001, "minutes": 60_000.0, "hours": 3_600_000.0, "days": 86_400_000.0}
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1", "t", "on"}), frozenset({"false", "no", "n", "0", "f", "off"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AMOUNTS = frozenset({"properties.revenue", "properties.price", "properties.total", "properties.value"})
"""Fields that may be written with a decimal comma."""
_COMMA = re.compile(r"-?\d{1,3}(?:[. '\u00a0\u202f]\d{3})+,\d{1,2}|-?\d+,\d{1,2}")


class BadRow(ValueError):
    """A row that makes no event: a stable ``code``, and what was got and wanted."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Skipped(Exception):
    """A row that the mapping leaves out on purpose."""


class Mapper:
    """A mapping for one file.

    Args:
        shape: the mapping.
        header: the columns of a CSV file; None where rows are objects.
        prefix: what the ids of messages begin with where no field gives them; the row's number follows.

    Raises:
        MappingError: a column that the file doesn't have, or no field that says who and when.
    """

    def __init__(self, shape: Shape, header: Sequence[str] | None, prefix: str) -> None:
        self._check(shape, header)
        self._prefix = prefix
        self._fields = [(path.split("."), _reader(path, field, header)) for path, field in shape.fields.items()]
        read = {column for field in shape.fields.values() for column in field.columns}
        self._rest: list[tuple[str, int]] | None = None
        self._read = {column.split(".")[0] for column in read}
        self._keep_rest = shape.rest == "properties"
        if self._keep_rest and header is not None:
            read |= {column.split(".")[0] for column in read if column not in header}
            self._rest = [(name, n) for n, name in enumerate(header) if name not in read]

    @staticmethod
    def _check(shape: Shape, header: Sequence[str] | None) -> None:
        if not shape.fields.keys() & {"userId", "anonymousId"}:
            raise MappingError("got a mapping without userId and anonymousId; wanted one of them: who did it")
        if "timestamp" not in shape.fields:
            raise MappingError("got a mapping without timestamp; wanted the column that says when it happened")
        for path in shape.fields:
            if inner := next((other for other in shape.fields if other.startswith(f"{path}.")), None):
                raise MappingError(f"got fields.{path} and fields.{inner}; wanted one: a value holds no others")
        if header is None:
            return
        for path, field in shape.fields.items():
            wanted = field.columns
            missing = [c for c in wanted if not _has(header, c)]
            if missing and (field.template or len(missing) == len(wanted)):
                raise MappingError(
                    f"fields.{path}: got the column {missing[0]!r}; wanted one that the file has: {', '.join(header)}"
                )

    def event(self, line: int, row: Row) -> dict[str, Any]:
        """The event that a row means, in the Segment shape.

        Raises:
            BadRow: it means none.
            Skipped: the mapping leaves it out.
        """
        event: dict[str, Any] = {"type": "track"}
        for path, get in self._fields:
            value = get(row)
            if value is None:
                continue
            if len(path) == 1:
                event[path[0]] = value
                continue
            bag = event
            for name in path[:-1]:
                bag = bag.setdefault(name, {})
            bag[path[-1]] = value
        if self._keep_rest:
            self._add_rest(event.setdefault("properties", {}), row)
        if "timestamp" not in event:
            raise BadRow("no_timestamp", "got no timestamp; wanted when it happened")
        if "messageId" not in event:
            event["messageId"] = f"{self._prefix}-{line}"
        return event

    def _add_rest(self, properties: dict[str, Any], row: Row) -> None:
        if isinstance(row, Mapping):
            for name, value in row.items():
                if name not in self._read and value is not None:
                    properties.setdefault(name, value)
        else:
            for name, place in self._rest or ():
                if row[place] != "":
                    properties.setdefault(name, row[place])


def _reader(path: str, field: Field, header: Sequence[str] | None) -> Get:
    """A function from a row to the field's value, None where it has none."""
    if field.value is not None:
        constant = field.value
        return lambda _: constant
    if field.template:
        get = _template(field, header)
    else:
        get = _first([_getter(c, header) for c in field.columns if header is None or _has(header, c)])
    if field.values:
        get = _translated(path, get, field)
    if path == "timestamp":
        return _clock(get, field)
    if field.as_:
        return _typed(path, get, field.as_)
    if path in AMOUNTS:
        return lambda row: pointed(get(row))
    return _texts(get) if "." not in path else get


def pointed(value: Any) -> Any:
    """An amount with a decimal comma (``1.234,50``) as one with a point; one that may be thousands stays as it is.

    >>> pointed("123,45"), pointed("1.234,5"), pointed("1,234")
    ('123.45', '1234.5', '1,234')
    """
    if not isinstance(value, str) or "," not in value or not _COMMA.fullmatch(text := value.strip()):
        return value
    return "".join(c for c in text if c.isdigit() or c in "-,").replace(",", ".")


def written(value: Any) -> dict[str, Any] | None:
    """The object that a cell holds as text, None where it holds none.

    >>> written('{"q": "kettle"}'), written("kettle"), written("{}")
    ({'q': 'kettle'}, None, {})
    """
    if not isinstance(value, str) or value[:1] != "{":
        return None
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


_remembered = lru_cache(maxsize=16)(written)
"""Several fields are read from one cell."""


def _has(header: Sequence[str], column: str) -> bool:
    """Whether there is that column, or one in whose cells an object may lie that has it (``properties.query``)."""
    return column in header or ("." in column and column.split(".", maxsplit=1)[0] in header)


def _getter(column: str, header: Sequence[str] | None) -> Get:
    if header is not None and column in header:
        place = header.index(column)
        return lambda row: row[place] or None
    if "." not in column:
        return lambda row: _something(row.get(column))
    first, *steps = column.split(".")
    start: Get = (lambda row: row.get(first)) if header is None else _cell(header.index(first))

    def walk(row: Any) -> Any:
        value = start(row)
        for step in steps:
            if isinstance(value, str):
                value = _remembered(value)
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        return _something(value)

    return walk


def _something(value: Any) -> Any:
    """A value, nothing where it is what numbers are that nobody told: tables in memory write "not a number" for it."""
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 it alone differs from itself


def _cell(place: int) -> Get:
    return lambda row: row[place]


def _first(gets: list[Get]) -> Get:
    if len(gets) == 1:
        return gets[0]

    def first(row: Any) -> Any:
        for get in gets:
            if (value := get(row)) is not None:
                return value
        return None

    return first


def _template(field: Field, header: Sequence[str] | None) -> Get:
    gets = {column: _getter(column, header) for column in field.columns}
    parts: list[str | Get] = []
    rest = field.template
    for column in field.columns:
        before, _, rest = rest.partition(f"{{{column}}}")
        parts += [before, gets[column]]
    parts.append(rest)

    def fill(row: Any) -> str | None:
        text = ""
        for part in parts:
            if isinstance(part, str):
                text += part
            elif (value := part(row)) is None:
                return None
            else:
                text += value if isinstance(value, str) else _text(value)
        return text

    return fill


def _translated(path: str, get: Get, field: Field) -> Get:
    values, otherwise = field.values, field.otherwise

    def translate(row: Any) -> Any:
        value = get(row)
        key = value if isinstance(value, str) else _text(value)
        if (said := values.get(key)) is not None:
            return said
        if otherwise == "reject":
            raise BadRow("unknown_value", f"got {key[:60]!r} for {path}; wanted one of {', '.join(values)}")
        if otherwise == "skip":
            raise Skipped
        return value

    return translate


def _texts(get: Get) -> Get:
    """Ids and names are text in the Segment shape; a file's numbers become text as they are written."""

    def text(row: Any) -> str | None:
        value = get(row)
        return value if value is None or isinstance(value, str) else _text(value)

    return text


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, bool | dict | list):
        return msgspec.json.encode(value).decode()
    return str(value)


def _typed(path: str, get: Get, wanted: str) -> Get:
    def number(value: Any) -> Any:
        return float(pointed(value))

    def integer(value: Any) -> Any:
        whole = int(value)
        if isinstance(value, float) and whole != value:  # half a piece isn't none
            raise ValueError
        return whole

    def boolean(value: Any) -> Any:
        if isinstance(value, bool):
            return value
        said = str(value).strip().lower()
        if said not in _TRUE | _FALSE:
            raise ValueError
        return said in _TRUE

    def parsed(value: Any) -> Any:
        return msgspec.json.decode(value) if isinstance(value, str) else value

    convert = {"text": _text, "number": number, "integer": integer, "boolean": boolean, "json": parsed}[wanted]

    def typed(row: Any) -> Any:
        value = get(row)
        if value is None:
            return None
        try:
            return value if wanted == "text" and isinstance(value, str) else convert(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise BadRow("wrong_type", f"got {_text(value)[:60]!r} for {path}; wanted {wanted}") from None

    return typed


def _clock(get: Get, field: Field) -> Get:
    """A function from a row to its time as RFC 3339 in UTC with milliseconds."""
    start = 0.0
    if field.since:
        since = instant(field.since)
        if since is None:
            raise MappingError(f"fields.timestamp.since: got {field.since!r}; wanted an instant in RFC 3339")
        start = float(since)
    scale = _UNITS.get(field.unit)

    last: tuple[Any, str] = (None, "")

    def clock(row: Any) -> str | None:
        nonlocal last
        value = get(row)
        if value is None or value == "":
            return None
        if value == last[0]:  # files in the order of time repeat an instant
            return last[1]
        try:
            at = _when(value, field.format, scale, start)
            if 0 < at < 253_402_300_800_000:
                last = (value, said(at))
                return last[1]
        except (ValueError, TypeError, OverflowError):
            pass
        wanted = (
            f"the format {field.format}"
            if field.format
            else f"a number of {field.unit}"
            if scale
            else "RFC 3339 or an epoch"
        )
        raise BadRow("bad_timestamp", f"got {_text(value)[:60]!r} for timestamp; wanted {wanted}, after 1970")

    return clock


def said(at: Millis) -> str:
    """An instant as RFC 3339 text in UTC, to the millisecond."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds")[:-6] + "Z"


def _when(value: Any, pattern: str, scale: float | None, start: float) -> Millis:
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000 + 0.5)
    if isinstance(value, date):
        return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
    if pattern:
        parsed = datetime.strptime(value, pattern)  # noqa: DTZ007 - without an offset it is read as UTC, below
        return int((parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp() * 1000 + 0.5)
    if scale is not None:
        return int(start + float(value) * scale + 0.5)
    if isinstance(value, str) and (at := instant(value)) is not None and not value.isdigit():
        return at
    number = float(value)
    if number < 1e11:
        return int(number * 1000 + 0.5)
    return int(number + 0.5) if number < 1e14 else int(number / 1000 + 0.5)
