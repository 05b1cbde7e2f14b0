"""Files of events: CSV, JSON lines, Parquet, and the Segment shape as JSON lines, gzipped or not.

Rows come with their line number and are read one at a time; what can't be read is a ``Bad`` in its place, never an end.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from micromoments.core.event import TRUSTED, Arrival, Millis
from micromoments.sources.history import ENRICHED, HISTORIES
from micromoments.sources.lenient import Rejected
from micromoments.sources.mapped import BadRow, Mapper, Skipped
from micromoments.sources.mapping import Format, MappingError, Shape
from micromoments.sources.opened import CHUNK, Bad, objects, open_bytes, shown, split
from micromoments.sources.segment import call, instant
from micromoments.sources.shopify_orders import exported
from micromoments.sources.tables import cells, is_csv
from micromoments.sources.warehouse import call_of, is_table
from micromoments.sources.wire import encode

WINDOW = 50_000
"""Rows held back to bring them into the order of time; a row that stands further out of place is imported late."""
EARLIEST: Millis = 315_532_800_000
"""1980: a timestamp before it is a clock that was never set, or a wrong unit."""
_ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
T = TypeVar("T")
csv.field_size_limit(CHUNK)


class Read(msgspec.Struct, frozen=True):
    """A row that made an event."""

    line: int
    arrival: Arrival


def format_of(path: Path) -> Format:
    """The format that a file's name says.

    Raises:
        MappingError: it says none.
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if ending not in _ENDINGS:
        wanted = f"{', '.join(_ENDINGS)}, or an option that says it"
        raise MappingError(f"got {path.name!r}, whose ending says no format; wanted {wanted}")
    return _ENDINGS[ending]


def digest_of(path: Path) -> str:
    """A digest of what a file says: the same for the file and its gzip, 24 hex digits of BLAKE2b.

    Raises:
        OSError: it can't be read.
        MappingError: it is gzip that ends too early, or is damaged.
    """
    digest = blake2b(digest_size=12)
    try:
        with open_bytes(path, as_it_is=True) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MappingError(f"got {path.name}, which can't be gunzipped ({error}); wanted a whole file") from None
    return digest.hexdigest()


class Source:
    """One file, ready to be read as events, any number of times.

    Args:
        path: the file.
        shape: the mapping; the Segment format needs none.
        format: how it is written; by its name unless given here or in the mapping.
        now: the present; events later than this are bad rows.
        marks: marks that every event gets.
        watch: told how many of the file's bytes were read.

    Raises:
        MappingError: the mapping and the file don't go together.
        OSError: the file can't be read.
    """

    def __init__(
        self,
        path: Path,
        shape: Shape,
        *,
        now: Millis,
        format: Format | None = None,
        marks: int = TRUSTED,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        self.path = path
        self.format: Format = format or shape.format or format_of(path)
        if self.format == "jsonl" and not shape.fields:
            self.format = "segment"
        if self.format == "segment" and shape.fields:
            raise MappingError(
                "got a mapping for a file in the Segment shape; it needs none: leave it out, or say --format jsonl"
            )
        self.digest = digest_of(path)
        if self.format in HISTORIES and shape.fields:
            raise MappingError(f"got a mapping for a file of {self.format}; it needs none: leave it out")
        self.named = self.format == "segment" or self.format in HISTORIES or "messageId" in shape.fields
        """Whether the file names its messages itself, so that another file may repeat them."""
        self._shape = shape
        self.now = now
        self._marks = marks
        self.watch = watch
        self.skipped = 0

    def check(self) -> None:
        """Read the first row, so that a mapping which doesn't fit the file is told of before anything is done.

        Raises:
            MappingError: they don't go together.
        """
        rows = self.rows()
        next(rows, None)
        rows.close()

    def rows(self) -> Generator[Read | Bad, None, None]:
        """The file's events in its own order, and its bad rows in their places."""
        self.skipped = 0
        if self.format in HISTORIES:
            yield from self._history(HISTORIES[self.format])
        elif self.format == "csv":
            yield from self._csv()
        elif self.format == "parquet":
            yield from self._parquet()
        else:
            yield from self._lines()

    def _csv(self) -> Iterator[Read | Bad]:
        with open_bytes(self.path, self.watch) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
            delimiter, header = self._header(text.readline())
            mapper = Mapper(self._shape, header, f"f-{self.digest}")
            width = len(header)
            for line, row in split(text, width, delimiter):
                if isinstance(row, csv.Error):
                    yield Bad(line, "unreadable", f"got {row}; wanted a row of {width} cells", None)
                elif len(row) != width:
                    yield Bad(line, "wrong_width", f"got {len(row)} cells; wanted {width}, as in the header", row)
                elif (made := self._made(line, row, mapper)) is not None:
                    yield made

    def _header(self, first: str) -> tuple[str, list[str]]:
        """What separates the cells, and the names in a file's first line."""
        if not first:
            raise MappingError(f"got {self.path.name}, an empty file; wanted a header and rows")
        delimiter = self._shape.delimiter or max("\t,;|", key=first.count)
        try:
            header = next(csv.reader([first], delimiter=delimiter))
        except csv.Error as error:
            raise MappingError(
                f"got {self.path.name}, whose first line can't be read as CSV ({error}); wanted a header and rows"
            ) from None
        if not self._shape.fields:
            names = ", ".join(header)[:200].encode("utf-8", "replace").decode()
            raise MappingError(
                f"got {self.path.name} with the columns {names}, and no mapping; wanted one that says who, what and "
                "when: --map userId=COLUMN,event=COLUMN,timestamp=COLUMN, or --preset NAME"
            )
        return delimiter, header

    def _history(self, read: Callable[[Mapping[str, Any]], list[dict[str, Any]]]) -> Iterator[Read | Bad]:
        found = False
        if self.format == "shopify-orders" and is_csv(self.path):
            rows = exported(cells(self.path, self.watch))
        else:
            rows = objects(self.path, self.watch, ENRICHED if self.format == "snowplow-enriched" else ())
        for line, row in rows:
            if isinstance(row, Bad):
                yield row
                continue
            found = True
            try:
                for event in read(row):
                    yield Read(line, self._arrival(_body(event)))
            except Skipped:
                self.skipped += 1
            except (BadRow, Rejected) as bad:
                yield Bad(line, bad.code, bad.detail, row)
            except (TypeError, ValueError, OverflowError) as error:
                yield Bad(
                    line, "unreadable", f"got a value that can't be ({error}); wanted a row of {self.format}", row
                )
        if not found:
            raise MappingError(f"got {self.path.name}, which holds no rows of {self.format}")

    def _parquet(self) -> Iterator[Read | Bad]:
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(self.path) as file:
                top = {path.split(".")[0] for path in file.schema_arrow.names}
                missing = [
                    c for f in self._shape.fields.values() for c in f.columns if c.split(".")[0] not in top
                ]  # fmt: skip
                if missing and not any(len(f.columns) > 1 for f in self._shape.fields.values()):
                    raise MappingError(
                        f"got the column {missing[0]!r}; wanted one that the file has: {', '.join(sorted(top))}"
                    )
                mapper = Mapper(self._shape, None, f"f-{self.digest}")
                line = 0
                for batch in file.iter_batches(batch_size=10_000):
                    for row in batch.to_pylist():
                        line += 1
                        made = self._made(line, row, mapper)
                        if made is not None:
                            yield made
        except pyarrow.ArrowException as error:
            raise MappingError(f"got {self.path.name}, which can't be read as Parquet ({error})") from None

    def _lines(self) -> Iterator[Read | Bad]:
        mapper = None if self.format == "segment" else Mapper(self._shape, None, f"f-{self.digest}")
        with open_bytes(self.path) as file:
            whole = file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"[", b"PAR1"))
        if self.format == "segment" and is_csv(self.path):
            rows = cells(self.path, self.watch)
        else:
            rows = objects(self.path, self.watch, ()) if whole else self._objects()
        for line, row in rows:
            if isinstance(row, Bad):
                yield row
            elif mapper is None:
                yield self._as_sent(line, row)
            elif (made := self._made(line, row, mapper)) is not None:
                yield made

    def _objects(self) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
        """JSON lines, with their numbers."""
        decode = msgspec.json.Decoder().decode
        with open_bytes(self.path, self.watch) as file:
            for line, raw in enumerate(file, 1):
                body = raw.removeprefix(BOM_UTF8 if line == 1 else b"").strip()
                if not body:
                    continue
                try:
                    row = decode(body)
                except (msgspec.DecodeError, ValueError, RecursionError) as error:
                    why = f"got {error}; wanted a JSON object on one line"
                    yield line, Bad(line, "malformed_json", why, shown(body))
                    continue
                if isinstance(row, dict):
                    yield line, row
                else:
                    yield line, Bad(line, "not_an_object", "got JSON that is no object; wanted an object a line", row)

    def _made(self, line: int, row: Any, mapper: Mapper) -> Read | Bad | None:
        try:
            return Read(line, self._arrival(_body(mapper.event(line, row))))
        except Skipped:
            self.skipped += 1
            return None
        except (BadRow, Rejected) as bad:
            return Bad(line, bad.code, bad.detail, row)
        except (UnicodeEncodeError, msgspec.MsgspecError, TypeError, ValueError) as error:
            return Bad(
                line,
                "unreadable",
                f"got a value that JSON can't hold ({error}); wanted UTF-8 text or numbers",
                shown(row),
            )

    def _as_sent(self, line: int, row: dict[str, Any]) -> Read | Bad:
        if is_table(row):
            row = call_of(row, self.path.name.partition(".")[0])
        if not row.get("timestamp") and not row.get("originalTimestamp"):
            came = row.get("sentAt") or row.get("receivedAt")
            if not came:
                return Bad(line, "no_timestamp", "got no timestamp; wanted when it happened", row)
            row = {**row, "timestamp": came}
        if not row.get("messageId"):
            row = {**row, "messageId": f"f-{self.digest}-{line}"}
        row.pop("sentAt", None)  # history is told as it was, not corrected against a clock that is long gone
        try:
            return Read(line, self._arrival(_body(row)))
        except (BadRow, Rejected) as bad:
            return Bad(line, bad.code, bad.detail, row)

    def _arrival(self, body: bytes) -> Arrival:
        arrival = call(None, body, self.now, marks=self._marks, confirmed=True)
        stamp = arrival.event.original_timestamp or arrival.event.timestamp or ""
        at = arrival.occurred
        if at == self.now or at < EARLIEST:
            said = instant(stamp)
            if said is None or said < EARLIEST:
                raise BadRow("bad_timestamp", f"got {stamp[:60]!r} for timestamp; wanted RFC 3339, after 1980")
            if said > self.now:
                raise BadRow(
                    "future_timestamp", f"got {stamp[:60]!r} for timestamp; wanted one that is not in the future"
                )
        return arrival


def _body(call: Mapping[str, Any]) -> bytes:
    """A call as JSON.

    Raises:
        BadRow: it has a number that no later reader could take.
    """
    try:
        return encode(call)
    except OverflowError:
        raise BadRow("number_out_of_range", "got an integer beyond 64 bits; wanted it as text") from None


def in_order(rows: Iterable[T], at: Callable[[T], int], window: int = WINDOW) -> Iterator[T]:
    """Rows by time, earliest first, as far as a window reaches; ties keep the file's order.

    A row displaced by at most half the window comes out in its place; one displaced further comes out after its time.
    Memory holds ``window`` rows.
    """
    held: list[T] = []
    half = max(1, window // 2)
    for row in rows:
        held.append(row)
        if len(held) >= window:
            held.sort(key=at)
            yield from held[:half]
            del held[:half]
    held.sort(key=at)
    yield from held
