"""Files opened and read row by row, gunzipped where they are gzip; what can't be read is a ``Bad`` in its place."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from micromoments.sources.mapping import MappingError

CHUNK = 1 << 20


class Bad(msgspec.Struct, frozen=True):
    """A row that was set aside: its line (from 1, the header included), a stable code, why, and the row as read."""

    line: int
    code: str
    reason: str
    row: Any


def wide(head: bytes) -> str:
    """The encoding of a text that begins with these bytes, where it is one of two or four bytes a character.

    With a byte order mark, as Windows' programs write it, or without one, told by the zeros of the first characters.

    >>> wide("how".encode("utf-16")), wide("how".encode("utf-16-be")), wide(b"how")
    ('utf-16', 'utf-16-be', '')
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = "".join("0" if byte == 0 else "x" for byte in head[:4])
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros, "")


@contextmanager
def open_bytes(path: Path, watch: Callable[[int], None] | None = None, *, as_it_is: bool = False) -> Iterator[BinaryIO]:
    """A file's bytes, gunzipped where its first two bytes say gzip, and text of two bytes a character as UTF-8 unless
    it is wanted ``as_it_is``. ``watch`` is told how far the raw file is read.
    """
    with _unzipped(path, watch) as file:
        head = b"" if as_it_is else file.read(4)
        encoding = wide(head)
        if head:
            file.seek(0)
        yield narrowed(file, encoding) if encoding else file


def narrowed(file: BinaryIO, encoding: str) -> BinaryIO:
    """A text in an encoding, as UTF-8."""
    return cast("BinaryIO", io.BufferedReader(_Narrowed(file, encoding), CHUNK))


@contextmanager
def _unzipped(path: Path, watch: Callable[[int], None] | None) -> Iterator[BinaryIO]:
    with path.open("rb") as raw:
        seen: BinaryIO = raw
        if watch is not None:
            seen = cast("BinaryIO", io.BufferedReader(_Watched(raw, watch), CHUNK))
        magic = raw.read(2)
        raw.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.open(seen) as unzipped:
                yield cast("BinaryIO", unzipped)
        else:
            yield seen


def split(lines: Iterable[str], width: int, delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """The rows of CSV below its header of so many cells, each with the line (from 2) on which it begins; or why one
    can't be read. Empty lines are passed over.

    A quote that opens a cell and never closes takes the rows below it along, up to the next quote. So what goes over
    several lines and isn't quoted by the book is read line by line where some are whole rows by themselves; in the line
    with the quote, it is a letter like any other if that makes a whole row.
    """
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(noted(), delimiter=delimiter)
    while True:
        begins = reader.line_num + 2
        found = _next(reader)
        if found is None:
            return
        apart = _apart(taken, width, delimiter) if len(taken) > 1 else []
        yield from ((begins + n, row) for n, row in apart or [(0, found)] if row)
        taken.clear()


def _apart(lines: Sequence[str], width: int, delimiter: str) -> list[tuple[int, list[str] | csv.Error]]:
    """Lines that were taken for one row as rows of their own; none where they are one."""
    whole = _next(csv.reader(lines, delimiter=delimiter, strict=True))
    if isinstance(whole, list) and len(whole) == width:
        return []
    alone = [(n, row) for n, line in enumerate(lines) if (row := _alone(line, width, delimiter))]
    return alone if any(isinstance(row, list) and len(row) == width for _, row in alone) else []


def closed(lines: Sequence[str], delimiter: str, letters: int = 0) -> bool:
    """Whether every quote of these lines is closed by the book; with ``letters``, whether they are one row of so many
    cells once quotes are letters like any other.
    """
    if not letters:
        return not isinstance(_next(csv.reader(lines, delimiter=delimiter, strict=True)), csv.Error)
    row = _next(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
    return isinstance(row, list) and len(row) == letters


def _alone(line: str, width: int, delimiter: str) -> list[str] | csv.Error | None:
    """A line as a row: with its quotes, or with quotes that are letters where one stays open."""
    if isinstance(_next(csv.reader([line], delimiter=delimiter, strict=True)), csv.Error):
        row = _next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE))
        if isinstance(row, list) and len(row) == width:
            return row
    return _next(csv.reader([line], delimiter=delimiter))


def _next(reader: Iterator[list[str]]) -> list[str] | csv.Error | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        return error


def text_of(file: BinaryIO) -> io.TextIOWrapper:
    """A file's text: UTF-8 with or without a mark; bytes that are no UTF-8 are Windows' Western ones, as shops' older
    programs write.
    """
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors=WESTERN, newline="")


def _western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        return "\ufffd", getattr(error, "end", 0)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


WESTERN = "micromoments-western"
"""How ``text_of`` reads what is no UTF-8."""
codecs.register_error(WESTERN, _western)


class _Narrowed(io.RawIOBase):
    """A text of two or four bytes a character as UTF-8; it can be read again from its start."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file, self._encoding = file, encoding
        self._begin()

    def _begin(self) -> None:
        self._decoder = codecs.getincrementaldecoder(self._encoding)("replace")
        self._left = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset or whence:
            raise io.UnsupportedOperation("only the start can be sought")
        self._begin()
        return self._file.seek(0)

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            raw = self._file.read(CHUNK)
            self._left = self._decoder.decode(raw, final=not raw).encode("utf-8", "replace")
            if not raw:
                break
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class _Watched(io.RawIOBase):
    """A raw file that tells how far it was read."""

    def __init__(self, inner: BinaryIO, watch: Callable[[int], None]) -> None:
        self._inner = inner
        self._watch = watch

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self._watch(self._inner.tell())
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


def objects(
    path: Path, watch: Callable[[int], None] | None, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    """The objects of a file with their numbers: Parquet's rows, JSON lines, one JSON object's or array's entries, or
    cells with tabs between them, named by ``columns``.

    Raises:
        MappingError: Parquet that can't be read.
    """
    with open_bytes(path, watch) as file:
        head = file.peek(4)[:4] if isinstance(file, io.BufferedReader | gzip.GzipFile) else b""
        if head == b"PAR1":
            import pyarrow.parquet

            try:
                with pyarrow.parquet.ParquetFile(path) as table:
                    rows = (row for batch in table.iter_batches(batch_size=10_000) for row in batch.to_pylist())
                    yield from enumerate(rows, 1)
            except pyarrow.ArrowException as error:
                raise MappingError(f"got {path.name}, which can't be read as Parquet ({error})") from None
            return
        for line, raw in enumerate(file, 1):
            body = raw.removeprefix(codecs.BOM_UTF8 if line == 1 else b"").strip(b"\r\n")
            if not body.strip():
                continue
            if columns and body.lstrip()[:1] != b"{":
                cells = body.decode("utf-8", "replace").split("\t")
                if len(cells) < len(columns):
                    yield line, Bad(line, "wrong_width", f"got {len(cells)} cells; wanted {len(columns)}", shown(body))
                else:
                    yield line, dict(zip(columns, cells, strict=False))
                continue
            yield from _decoded(line, body, file)


def _decoded(line: int, body: bytes, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    """The object of a line; or, where the file is one value over several lines, all that it holds."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        try:
            value = msgspec.json.decode(body + b"\n" + file.read()) if line == 1 else None
        except (msgspec.DecodeError, RecursionError):
            value = None
        if value is None:
            yield line, Bad(line, "malformed_json", f"got {error}; wanted a JSON object on one line", shown(body))
            return
    if isinstance(value, dict):
        # An answer of an API holds its rows under one name.
        inner = next((each for each in value.values() if isinstance(each, list)), None) if len(value) == 1 else None
        value = [value] if inner is None else inner
    for n, one in enumerate(value if isinstance(value, list) else [value], line):
        if isinstance(one, dict):
            yield n, one
        else:
            yield n, Bad(n, "not_an_object", "got JSON that is no object; wanted an object a line", one)


def shown(row: Any) -> Any:
    """A row that JSON may not hold, as text that it can."""
    if isinstance(row, bytes):
        return row[:2000].decode("utf-8", "replace")
    if isinstance(row, list):
        return [str(cell).encode("utf-8", "replace").decode() for cell in row]
    return repr(row)[:2000]
