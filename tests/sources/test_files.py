"""Files of events: what rows become, what is set aside, and the order in which they come out."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.event import TRUSTED
from micromoments.sources import mapping
from micromoments.sources.files import Read, Source, format_of, in_order
from micromoments.sources.mapping import MappingError, Shape
from micromoments.sources.opened import Bad

NOW = 1_790_000_000_000
BROKEN = ("[fields", "[fields]\nuserId = 3", "[felds]\n", '[fields]\nuserId = {column="a", value="b"}')
SIMPLE = "userId=who,event=what,timestamp=when,properties.product_id=item"


def read(path: Path, shape: Shape, **more: object) -> tuple[list[Read], list[Bad]]:
    """A file's events and its bad rows."""
    rows = list(Source(path, shape, now=NOW, **more).rows())  # type: ignore[arg-type] # the options of Source
    return [r for r in rows if isinstance(r, Read)], [r for r in rows if isinstance(r, Bad)]


def body(row: Read) -> dict[str, object]:
    """An event as it will be kept."""
    decoded: dict[str, object] = msgspec.json.decode(row.arrival.body)
    return decoded


def write(path: Path, text: str) -> Path:
    """A text file."""
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_csv_row_becomes_an_event_by_the_mapping(tmp_path: Path) -> None:
    """Columns go where the mapping says, empty cells are left out, and the instant is the row's own."""
    file = write(
        tmp_path / "a.csv",
        "who,what,when,item\nana,Product Viewed,2026-01-02T03:04:05Z,p1\nbo,Product Viewed,1767323045,\n",
    )
    good, bad = read(file, mapping.words(SIMPLE))
    assert bad == []
    first, second = body(good[0]), body(good[1])
    assert first["userId"] == "ana"
    assert first["properties"] == {"product_id": "p1"}
    assert good[0].arrival.occurred == good[1].arrival.occurred == 1_767_323_045_000
    assert good[0].arrival.marks == TRUSTED
    assert "properties" not in second


def test_message_ids_come_from_what_the_file_says(tmp_path: Path) -> None:
    """The same rows have the same ids from a gzipped copy under another name; another file's rows have others."""
    text = "who,what,when,item\nana,Product Viewed,2026-01-02T03:04:05Z,p1\n"
    plain = write(tmp_path / "a.csv", text)
    zipped = tmp_path / "b.csv.gz"
    zipped.write_bytes(gzip.compress(text.encode()))
    other = write(tmp_path / "c.csv", text + text.splitlines()[1] + "\n")
    shape = mapping.words(SIMPLE)
    ids = [[r.arrival.message_id for r in read(f, shape)[0]] for f in (plain, zipped, other)]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])


def test_bad_rows_say_their_line_and_reason(tmp_path: Path) -> None:
    """Each way in which a row can be bad has a code, and its line counts from the header's 1, over quoted line ends."""
    file = write(
        tmp_path / "a.csv",
        'who,what,when,item\n"a\nb",Product Viewed,2026-01-02T03:04:05Z,p1\n,Product Viewed,2026-01-02T03:04:05Z,p\n'
        "ana,Product Viewed,,p1\nana,Product Viewed,soon,p1\nana,Product Viewed,2050-01-01T00:00:00Z,p1\nana,x\n"
        "ana,,2026-01-02T03:04:05Z,p1\nana,Product Viewed,2026-01-02T03:04:05Z,p1\n",
    )
    good, bad = read(file, mapping.words(SIMPLE))
    assert [r.line for r in good] == [10]
    assert [(b.line, b.code) for b in bad] == [
        (2, "invalid_user_id"),
        (4, "no_user_anon_id"),
        (5, "no_timestamp"),
        (6, "bad_timestamp"),
        (7, "future_timestamp"),
        (8, "wrong_width"),
        (9, "no_event_name"),
    ]
    assert all("got" in b.reason and "wanted" in b.reason for b in bad if b.code != "no_user_anon_id")


def test_a_quote_that_never_closes_costs_no_row(tmp_path: Path) -> None:
    """The row of a cell that begins with a lonely quote is read and those below it, whether another quote follows or
    none; cells that hold lines between their quotes stay whole.
    """
    rest = "\tProduct Viewed\t2026-01-02T03:04:05Z\tp1\n"
    rows = [f"p{n}{rest}" for n in range(6)]
    rows[1] = f'"ana{rest}'
    rows[3] = f'"bo{rest}'
    rows[4] = '"p4"\tProduct Viewed\t2026-01-02T03:04:05Z\t"two\nlines"\n'
    for n, text in enumerate(("".join(rows), "".join(rows[:3]))):
        good, bad = read(write(tmp_path / f"{n}.tsv", "who\twhat\twhen\titem\n" + text), mapping.words(SIMPLE))
        assert not bad
        wanted = ["p0", '"ana', "p2", '"bo', "p4", "p5"] if n == 0 else ["p0", '"ana', "p2"]
        assert [r.arrival.event.user_id for r in good] == wanted
    kept = read(tmp_path / "0.tsv", mapping.words(SIMPLE))[0][4]
    assert (kept.line, body(kept)["properties"]) == (6, {"product_id": "two\nlines"})


def test_bytes_that_are_no_text_are_bad_rows(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, an endless cell and a binary file give bad rows, never an error."""
    file = tmp_path / "a.csv"
    rest = b",Product Viewed,2026-01-02T03:04:05Z,p1\n"
    file.write_bytes(b"who,what,when,item\n" + b"\xff\xfe" + rest + b"ana" + rest)
    good, bad = read(file, mapping.words(SIMPLE))
    assert len(good) == 1
    assert [b.code for b in bad] == ["unreadable"]
    assert msgspec.json.encode(bad[0])
    lines = tmp_path / "b.jsonl"
    lines.write_bytes(
        b'\x00\x01\xff\n[1]\n{"who": "ana", "what": "x", "when": 1767323045}\n\n' + b"[" * 100_000 + b"\n"
    )
    good, bad = read(lines, mapping.words(SIMPLE))
    assert len(good) == 1
    assert [b.code for b in bad] == ["malformed_json", "not_an_object", "malformed_json"]


def test_times_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Seconds, milli- and microseconds, hours since a day, a pattern and RFC 3339 with an offset give one instant."""
    wanted = 1_767_323_045_000
    file = write(
        tmp_path / "a.jsonl",
        '{"who": "a", "t": 1767323045, "d": "02/01/2026 03:04:05", "h": 27.0680555556}\n'
        '{"who": "a", "t": "1767323045000", "d": "02/01/2026 03:04:05", "h": 27.0680555556}\n'
        '{"who": "a", "t": 1767323045000000, "d": "02/01/2026 03:04:05", "h": 27.0680555556}\n'
        '{"who": "a", "t": "2026-01-02T05:04:05+02:00", "d": "02/01/2026 03:04:05", "h": 27.0680555556}\n',
    )
    base = '[fields]\nuserId = "who"\nevent = {value = "x"}\n'
    for line in (
        'timestamp = "t"',
        'timestamp = {column = "d", format = "%d/%m/%Y %H:%M:%S"}',
        'timestamp = {column = "h", unit = "hours", since = "2026-01-01T00:00:00Z"}',
    ):
        good, bad = read(file, mapping.parse(base + line))
        assert bad == []
        assert all(abs(r.arrival.occurred - wanted) <= 1 for r in good), line


def test_values_are_translated_skipped_or_rejected(tmp_path: Path) -> None:
    """What ``values`` doesn't name is kept, left out without being bad, or set aside, as ``otherwise`` says."""
    file = write(tmp_path / "a.csv", "u,e,t\na,view,1767323045\na,noise,1767323045\n")
    translated = '{{column = "e", values = {{view = "Product Viewed"}}, otherwise = "{}"}}'
    text = '[fields]\nuserId = "u"\ntimestamp = "t"\nevent = ' + translated
    names = [r.arrival.event.event for r in read(file, mapping.parse(text.format("keep")))[0]]
    assert names == ["Product Viewed", "noise"]
    source = Source(file, mapping.parse(text.format("skip")), now=NOW)
    assert len(list(source.rows())) == 1
    assert source.skipped == 1
    good, bad = read(file, mapping.parse(text.format("reject")))
    assert len(good) == 1
    assert bad[0].code == "unknown_value"


def test_types_templates_paths_and_the_rest(tmp_path: Path) -> None:
    """Values take the type asked for, templates join columns, dots walk into objects, the rest become properties."""
    file = write(
        tmp_path / "a.jsonl",
        '{"u": 7, "t": 1767323045, "v": {"amount": "3.5", "id": "o1"}, "ok": "yes", "colour": "red"}\n'
        '{"u": 7, "t": 1767323045, "v": {"amount": "much"}, "ok": "yes"}\n',
    )
    shape = mapping.parse(
        """
        rest = "properties"
        [fields]
        userId = { template = "shop-{u}" }
        timestamp = "t"
        event = { value = "Order Completed" }
        properties.revenue = { column = "v.amount", as = "number" }
        properties.order_id = ["v.order", "v.id"]
        properties.express = { column = "ok", as = "boolean" }
        context.device.type = { value = "mobile" }
        """
    )
    good, bad = read(file, shape)
    event = body(good[0])
    assert event["userId"] == "shop-7"
    assert event["properties"] == {"revenue": 3.5, "order_id": "o1", "express": True, "colour": "red"}
    assert event["context"] == {"device": {"type": "mobile"}}
    assert bad[0].code == "wrong_type"


def test_parquet_gives_the_same_events_as_csv(tmp_path: Path) -> None:
    """The same table gives the same bodies from Parquet, native timestamps included, except for the file's own ids."""
    rows = {
        "who": ["ana", "bo"],
        "what": ["Product Viewed"] * 2,
        "when": [1_767_323_045_000, 1_767_323_046_000],
        "item": ["p1", None],
    }
    table = pa.table(rows).set_column(2, "when", pa.array(rows["when"], type=pa.timestamp("ms", tz="UTC")))
    pq.write_table(table, tmp_path / "a.parquet")
    csv = write(
        tmp_path / "a.csv", "who,what,when,item\nana,Product Viewed,1767323045,p1\nbo,Product Viewed,1767323046,\n"
    )
    shape = mapping.words(SIMPLE)
    ours = [{k: v for k, v in body(r).items() if k != "messageId"} for r in read(tmp_path / "a.parquet", shape)[0]]
    assert ours == [{k: v for k, v in body(r).items() if k != "messageId"} for r in read(csv, shape)[0]]


def test_the_segment_shape_needs_no_mapping(tmp_path: Path) -> None:
    """JSON lines in the Segment shape are taken as sent, keep their message ids, and need a timestamp."""
    file = write(
        tmp_path / "a.jsonl",
        '{"type": "track", "userId": "a", "event": "x", "messageId": "m1", "timestamp": "2026-01-02T03:04:05Z", '
        '"sentAt": "2026-01-05T00:00:00Z"}\n{"type": "track", "userId": "a", "event": "x"}\n',
    )
    good, bad = read(file, Shape())
    assert good[0].arrival.message_id == "m1"
    assert good[0].arrival.occurred == 1_767_323_045_000
    assert [b.code for b in bad] == ["no_timestamp"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("userId=who,event=what", "timestamp"),
        ("event=what,timestamp=when", "who did it"),
        ("userId=visitor,event=what,timestamp=when", "wanted one that the file has: who, what, when, item"),
        ("userId", "wanted field=column"),
        ("nobody=who,timestamp=when", "wanted type, messageId"),
    ],
)
def test_a_mapping_that_cannot_work_says_what_was_wanted(tmp_path: Path, given: str, said: str) -> None:
    """A mapping without who or when, with a column that isn't there, or that is none, is refused in words."""
    file = write(tmp_path / "a.csv", "who,what,when,item\nana,x,1767323045,p1\n")
    with pytest.raises(MappingError, match=said):
        read(file, mapping.words(given))


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    """A gzip that ends too early is refused in words before anything of it is read as rows."""
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"who,what,when,item\n" * 1000)[:-9])
    with pytest.raises(MappingError, match="gunzipped"):
        read(file, mapping.words(SIMPLE))


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_mapping_file_is_refused(text: str) -> None:
    """TOML that is none, a wrong type, an unknown table, and two sources for one field are refused."""
    with pytest.raises(MappingError):
        mapping.parse(text)


def test_every_preset_can_be_read() -> None:
    """The mappings that ship with the package are mappings, and each says what it is of."""
    assert mapping.presets() == ["retailrocket", "shopify-orders-csv", "starbucks-transcript"]
    for name in mapping.presets():
        assert mapping.preset(name).about
    with pytest.raises(MappingError, match="wanted one of"):
        mapping.preset("nothing")


def test_a_name_without_an_ending_says_no_format() -> None:
    """The format comes from the ending, behind .gz too; without one it has to be said."""
    assert format_of(Path("a.tsv.gz")) == "csv"
    assert format_of(Path("a.ndjson")) == "jsonl"
    with pytest.raises(MappingError, match=r"wanted \.csv, "):
        format_of(Path("events"))


@given(st.lists(st.integers(0, 100), max_size=60), st.integers(1, 80))
def test_order_within_the_window_is_the_order_of_time(times: list[int], window: int) -> None:
    """Nothing is lost; what fits the window comes out sorted, and ties keep the file's order."""
    rows = list(enumerate(times))
    out = list(in_order(rows, lambda row: row[1], window))
    assert sorted(out) == rows
    if len(rows) <= window:
        assert out == sorted(rows, key=lambda row: row[1])


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=80))
def test_a_small_displacement_is_mended_whatever_the_length(shifts: list[int]) -> None:
    """Rows displaced by at most half the window come out in order from a file of any length."""
    rows = sorted(range(len(shifts)), key=lambda n: n + shifts[n])
    assert list(in_order(rows, lambda row: row, 16)) == list(range(len(shifts)))


def test_a_number_without_bounds_is_set_aside(tmp_path: Path) -> None:
    """A whole number of more than 64 bits is a bad row, and the next row is read; as sent, and by a mapping."""
    line = '{{"type": "track", "event": "E", "userId": "u", "timestamp": "2026-01-02", "properties": {{"n": {}}}}}'
    file = write(tmp_path / "a.jsonl", f"{line.format('9' * 30)}\n{line.format(1)}\n")
    for shape in (Shape(), mapping.words("userId=userId,event=event,timestamp=timestamp,properties.n=properties.n")):
        good, bad = read(file, shape)
        assert [body(row)["properties"] for row in good] == [{"n": 1}]
        assert [(row.line, row.code) for row in bad] == [(1, "number_out_of_range")]


def test_a_mapping_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Windows' editors write one."""
    file = tmp_path / "m.toml"
    file.write_bytes(b"\xef\xbb\xbf[fields]\nuserId = 'who'\n")
    assert mapping.load([str(file)]).fields["userId"].columns == ("who",)


def test_a_value_holds_no_others(tmp_path: Path) -> None:
    """A field that is a value and a path through it is a mistake of the mapping, and no row's."""
    file = write(tmp_path / "a.csv", "who,when,x\nana,2026-01-02,1\n")
    with pytest.raises(MappingError, match=r"got fields\.properties\.a and fields\.properties\.a\.b"):
        read(file, mapping.words("userId=who,timestamp=when,properties.a=x,properties.a.b=x"))


def test_parquets_days_and_numbers_that_are_none(tmp_path: Path) -> None:
    """A day is its midnight, UTC; what is "not a number" is nobody's id, and no value."""
    file = tmp_path / "a.parquet"
    when = pa.array([date(2026, 1, 2)] * 2)
    pq.write_table(pa.table({"who": pa.array([7.0, float("nan")]), "when": when, "item": [float("nan"), 3.0]}), file)
    good, bad = read(file, mapping.words("userId=who,timestamp=when,event:=Product Viewed,properties.product_id=item"))
    assert [(r.arrival.event.user_id, r.arrival.occurred) for r in good] == [("7", 1_767_312_000_000)]
    assert "properties" not in body(good[0])
    assert [b.code for b in bad] == ["no_user_anon_id"]


@pytest.mark.parametrize(("as_", "said"), [("integer", "12.5"), ("json", '"' + "[" * 20_000 + '"')])
def test_a_value_of_another_type_is_set_aside(tmp_path: Path, as_: str, said: str) -> None:
    """Half a piece is no whole number, and what is nested without end no JSON: the row says so, the others are read."""
    shape = mapping.parse(
        '[fields]\nuserId = "who"\ntimestamp = "when"\nevent = { value = "Product Added" }\n'
        f'properties.n = {{ column = "n", as = "{as_}" }}\n'
    )
    lines = [f'{{"who": "ana", "when": 1767323045, "n": {n}}}' for n in (said, "12")]
    good, bad = read(write(tmp_path / "a.jsonl", "\n".join(lines)), shape)
    assert [b.code for b in bad] == ["wrong_type"]
    assert [body(r)["properties"] for r in good] == [{"n": 12}]
