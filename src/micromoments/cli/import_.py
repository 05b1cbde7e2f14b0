"""``micromoments import``: history from files, in the order of time, each event once."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NamedTuple

import typer
from msgspec import to_builtins
from msgspec.structs import replace

from micromoments.cli.table import Format, put_json, say
from micromoments.core.event import HISTORY, TRUSTED
from micromoments.core.hours import is_zone
from micromoments.sources.feed import FEEDS


class FileFormat(StrEnum):
    """How a file is written."""

    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"
    segment = "segment"


class ImportFormat(StrEnum):
    """What is imported: files of events by how they are written, or feeds of items."""

    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"
    segment = "segment"
    ga4_bigquery = "ga4-bigquery"
    snowplow_enriched = "snowplow-enriched"
    shopify_orders = "shopify-orders"
    items = "items"
    google_merchant = "google-merchant"
    schema_org = "schema-org"
    shopify_products = "shopify-products"
    osm = "osm"


def import_(
    folder: Annotated[Path, typer.Argument(help="the project's folder; made if it isn't there")],
    files: Annotated[list[str], typer.Argument(help="files of events, gzipped or not; - is standard input")],
    format: Annotated[
        ImportFormat | None, typer.Option(help="how the files are written; by their endings unless given")
    ] = None,
    map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="a mapping: a TOML file, or 'userId=visitor,event=action,timestamp=ts,properties.query=q'"
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="a mapping that ships with the package; --map goes on top of it")] = "",
    rename: Annotated[
        list[str] | None, typer.Option("--rename", help="what an event is called here: 'view=Product Viewed'")
    ] = None,
    time: Annotated[
        str, typer.Option(help="how timestamps are written: s, ms, us or a strptime format; else told by their looks")
    ] = "",
    delimiter: Annotated[
        str, typer.Option(help="what separates the cells of CSV; told by the header unless given")
    ] = "",
    window: Annotated[
        int, typer.Option(help="rows held in memory to bring them into the order of time", min=1)
    ] = 50_000,
    currency: Annotated[str, typer.Option(help="of a feed's prices that name none, such as EUR")] = "",
    timezone: Annotated[str, typer.Option(help="of a feed's opening hours, such as Europe/Helsinki")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="don't delete what a feed doesn't hold any more")] = False,
    shrink: Annotated[bool, typer.Option("--shrink", help="delete it even where it is most of the feed")] = False,
    again: Annotated[float, typer.Option("--watch", help="read the feeds again every so many seconds", min=0)] = 0.0,
    output: Annotated[Format, typer.Option(help="how to show what was done: table or json")] = Format.table,
) -> None:
    """Import files of events as history, each event arriving when it happened; or feeds of items.

    With a format of items, google-merchant, schema-org, shopify-products or osm, files (or addresses) are feeds: what
    changed is put, what is gone is deleted. A folder that is being served takes them through its server. Repeating an
    import, or going on after a killed one, imports only what is missing. Rows that can't be taken are set aside in
    FILE.rejected.jsonl with their line and the reason; then the exit status is 3.
    """
    if output is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    if format is not None and format.value in FEEDS:
        _feeds(folder, files, format.value, Options(currency, timezone, keep, shrink, again, output))
    else:
        _events(folder, files, format, shape_of(preset, map or [], rename or [], time, delimiter), window, output)


def _events(
    folder: Path, files: list[str], format: ImportFormat | None, shape: Any, window: int, output: Format
) -> None:
    """Import files of events."""
    import asyncio

    from micromoments.cli import history
    from micromoments.cli.ledger import Ledger
    from micromoments.config import load_cluster
    from micromoments.engine.service import now_ms
    from micromoments.sources.files import Source

    ledger = Ledger(folder)
    began = monotonic()
    with paths_of(files, format) as paths, progress(paths) as (watch, told, words):
        chosen: Any = format.value if format else None
        marks, now = TRUSTED | HISTORY, now_ms()
        sources = [
            Source(path, shape, now=now, format=chosen, marks=marks, watch=watch(n)) for n, path in enumerate(paths)
        ]
        imports, done, again = [], [], dict[str, Any]()
        for n, source in enumerate(sources):
            source.check()
            if source.digest in again:
                words(f"{source.path.name} says what {again[source.digest].file} says; it is imported once")
                continue
            entry = again[source.digest] = history.plan(source, shape, ledger, window)
            if entry.finished:
                done.append(entry)
                words(f"{source.path.name} was imported before, as {entry.file}; nothing of it is imported again")
                continue
            if entry.emitted:
                words(f"{source.path.name}: {entry.emitted} events are in already; going on behind them")
            aside = history.SetAside(source.path, folder, lasting=files[n] != "-")
            imports.append(history.Import(source, entry, aside, told(n)))
        try:
            if imports and (cluster := load_cluster(folder, os.environ)) is not None:
                asyncio.run(history.run_on_cluster(folder, cluster, imports, ledger))
                words("all is in Kafka; the workers fold it as they come to it")
            elif imports:
                asyncio.run(history.run(folder, imports, ledger, words))
        except KeyboardInterrupt:
            words("stopped; nothing is lost: run the same import again, and it goes on where it stopped")
            raise
    _tell(imports, folder, monotonic() - began)
    _put(imports, done, output)
    if any(i.aside.count for i in imports):
        raise typer.Exit(3)


class Options(NamedTuple):
    """What is said of feeds."""

    currency: str
    timezone: str
    keep: bool
    shrink: bool
    watch: float
    output: Format


def _feeds(folder: Path, files: list[str], format: str, said: Options) -> None:
    """Import feeds of items, once or again and again."""
    from micromoments.cli import feeds
    from micromoments.engine.service import now_ms
    from micromoments.sources.feed import Reading

    if said.timezone and not is_zone(said.timezone):
        raise typer.BadParameter(f"got the time zone {said.timezone!r}; wanted an IANA name such as Europe/Helsinki")
    found = [feeds.Feed(folder, name, format, shrink=said.shrink, keep=said.keep) for name in files]

    def once() -> list[Any]:
        local = [Path(name) for name in files]
        with progress(local, "items") as (watch, told, _):
            counts = [told(n) for n in range(len(files))]
            reading = Reading(now=now_ms(), currency=said.currency.upper(), timezone=said.timezone)
            return feeds.run(
                folder, found, lambda n: replace(reading, watch=watch(n)), lambda n, count: counts[n](count)
            )

    def shown() -> list[Any]:
        done = once()
        if said.output is Format.json:
            put_json([to_builtins(counts) for counts in done])
        else:
            form = "{:>12} {:>12} {:>10} {:>10}  {}"
            typer.echo(form.format("put", "unchanged", "deleted", "set aside", "file"))
            for c in done:
                typer.echo(form.format(*(f"{n:,}" for n in (c.put, c.unchanged, c.deleted, c.set_aside)), c.file))
        return done

    if said.watch:
        feeds.watch(said.watch, shown)
    elif any(counts.set_aside for counts in shown()):
        raise typer.Exit(3)


def shape_of(preset: str, maps: list[str], renames: list[str], time: str, delimiter: str) -> Any:
    """The mapping that the options make together.

    Raises:
        typer.BadParameter: one of them can't be used.
    """
    from micromoments.sources import mapping

    try:
        shape = mapping.load(maps)
        if preset:
            shape = shape.over(mapping.preset(preset))
    except mapping.MappingError as error:
        raise typer.BadParameter(str(error)) from None
    return over(replace(shape, delimiter=delimiter.replace("\\t", "\t") or shape.delimiter), renames, time)


def over(shape: Any, renames: Sequence[str], time: str) -> Any:
    """A mapping with what ``--rename`` and ``--time`` say on top of it.

    Raises:
        typer.BadParameter: it has no field for them.
    """
    fields = dict(shape.fields)
    if renames:
        pairs = dict(_pair(r) for r in renames)
        event = fields.get("event")
        if event is None or not event.columns:
            raise typer.BadParameter("got --rename without a column for event; wanted event=column in --map")
        fields["event"] = replace(event, values={**event.values, **pairs})
    if time:
        if "timestamp" not in fields:
            raise typer.BadParameter("got --time without a column for timestamp; wanted timestamp=column in --map")
        unit = time in ("s", "ms", "us")
        fields["timestamp"] = replace(fields["timestamp"], **({"unit": time} if unit else {"format": time}))
    return replace(shape, fields=fields)


def _pair(text: str) -> tuple[str, str]:
    was, equals, now = text.partition("=")
    if not equals or not now.strip():
        raise typer.BadParameter(f"got --rename {text!r}; wanted 'what the file says=what it is here'")
    return was.strip(), now.strip()


@contextmanager
def paths_of(files: list[str], format: ImportFormat | None, *, guessed: bool = False) -> Iterator[list[Path]]:
    """The files as paths; standard input is put into a private temporary file first, as its digest names its rows."""
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise typer.BadParameter(f"got {name!r}, which is no file; wanted files of events, or - for standard input")
    if files.count("-") > 1:
        raise typer.BadParameter("got - more than once; standard input can be read once")
    if "-" in files and format is None and not guessed:
        raise typer.BadParameter("got - without a format; say how standard input is written with --format")
    if "-" not in files:
        yield [Path(name) for name in files]
        return
    with tempfile.TemporaryDirectory(prefix="micromoments-") as folder:
        spooled = Path(folder) / "stdin"
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [spooled if name == "-" else Path(name) for name in files]


@contextmanager
def progress(paths: list[Path], what: str = "events") -> Iterator[Any]:
    """How far each file is, on standard error where that is a terminal; words go there in any case."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.percentage:>3.0f}} %  {{task.fields[events]:,}} {what}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    tasks = [bar.add_task(p.name, total=p.stat().st_size if p.exists() else None, events=0) for p in paths]

    def watch(n: int) -> Callable[[int], None]:
        return lambda read: bar.update(tasks[n], completed=read)

    def told(n: int) -> Callable[[Any], None]:
        return lambda entry: bar.update(tasks[n], events=entry if isinstance(entry, int) else entry.emitted)

    def words(text: str) -> None:
        if bar.disable:
            say(text)
        else:
            bar.console.print(text, highlight=False)

    with bar:
        yield watch, told, words


def _tell(imports: list[Any], folder: Path, seconds: float) -> None:
    """In words: what stood out of order, what was set aside and why, and what retention will forget."""
    from micromoments.config import load
    from micromoments.core.settings import DAY
    from micromoments.engine.service import now_ms

    keep = load(folder).retention
    for one in imports:
        entry, aside = one.entry, one.aside
        if entry.disordered:
            late = f", {entry.late} of them came too late for the window and are late events" if entry.late else ""
            say(f"{entry.file}: {entry.disordered} rows stood behind later ones; brought into the order of time{late}")
        if aside.count:
            why = ", ".join(f"{code} {count}" for code, count in sorted(aside.reasons.items()))
            say(f"{entry.file}: {aside.count} rows set aside in {aside.path} ({why}); mend and import them anew")
        age = (now_ms() - entry.last) / DAY
        short = [n for n in ("people_days", "facts_days") if getattr(keep, n) < age]
        if entry.last and short:
            say(
                f"{entry.file}: its newest event is {age:.0f} days old; [retention] {', '.join(short)} keep less, "
                "so it is all forgotten after an hour of serving; raise them in micromoments.toml to keep it"
            )
    count = sum(one.entry.imported for one in imports)
    if count:
        say(f"{count} events imported in {seconds:.1f} s")


def _put(imports: list[Any], done: list[Any], output: Format) -> None:
    rows = [
        {
            "imported": entry.imported if fresh else 0,
            "known": entry.duplicates if fresh else entry.emitted,
            "set_aside": entry.set_aside,
            "left_out": entry.skipped,
            "first": _day(entry.first),
            "last": _day(entry.last),
            "file": entry.file,
        }
        for fresh, entry in [*((True, one.entry) for one in imports), *((False, entry) for entry in done)]
    ]
    if output is Format.json:
        put_json(rows)
        return
    form = "{:>12} {:>12} {:>10} {:>10}  {:<10}  {:<10}  {}"
    typer.echo(form.format("imported", "known before", "set aside", "left out", "from", "to", "file"))
    for row in rows:
        typer.echo(form.format(*(f"{value:,}" if isinstance(value, int) else value for value in row.values())))


def _day(at: int) -> str:
    from micromoments.sources.mapped import said

    return said(at)[:10] if at else ""
