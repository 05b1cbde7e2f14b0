"""``micromoments audit``: what a company's own history says of the moments that its people had, without a server."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from micromoments.cli.import_ import ImportFormat, paths_of, progress, shape_of
from micromoments.cli.table import Format, put_json, say
from micromoments.sources.feed import FEEDS

if TYPE_CHECKING:
    from micromoments.sources.files import Source

_FOREVER = "[retention]\nfacts_days = 36500\npeople_days = 36500\nlog_days = 36500\n"

Config = Annotated[Path | None, typer.Option(help="a micromoments.toml whose goals, currency and time zone hold")]
Keep = Annotated[Path | None, typer.Option(help="keep what was imported as a project in this new folder")]
Out = Annotated[
    Path | None, typer.Option(help="the file it is written to; else standard output, or audit.html at a terminal")
]


def audit(
    export: Annotated[
        list[str],
        typer.Argument(
            help="files of events as they were exported, gzipped or not; or a project's folder; - is standard input"
        ),
    ],
    preset: Annotated[
        str, typer.Option(help="a mapping that ships with the package; told by the columns unless given")
    ] = "",
    map: Annotated[
        list[str] | None,
        typer.Option("--map", help="how to read the columns, as for import; guessed by their names unless given"),
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option("--rename", help="what an event is called here: 'view=Product Viewed'")
    ] = None,
    time: Annotated[str, typer.Option(help="how timestamps are written, as for import")] = "",
    delimiter: Annotated[
        str, typer.Option(help="what separates the cells of CSV; told by the header unless given")
    ] = "",
    input: Annotated[
        ImportFormat | None, typer.Option("--input", help="how the files are written; told by their looks unless given")
    ] = None,
    config: Config = None,
    goal: Annotated[str, typer.Option(help="the goal that counts; any unless given")] = "",
    worth: Annotated[str, typer.Option(help="what a goal without a value is worth, such as 40 or '40 EUR'")] = "",
    lift: Annotated[
        str, typer.Option(help="assumed: how much serving adds to goals, from and to, as shares")
    ] = "0.01-0.05",
    by_segment: Annotated[str, typer.Option("--segment", help="only this part, such as type:buy")] = "",
    keep: Keep = None,
    format: Annotated[
        Format, typer.Option(help="how to show it; html is one page that needs no other host")
    ] = Format.html,
    out: Out = None,
) -> None:
    """Say what moments people had by a history, how many went unserved and why, a range of what they may be worth, and
    what the log cannot tell.

    Reads files unmodified, without a server or a network, and leaves nothing behind unless --keep is given. Rows that
    can't be read are counted and shown; then the exit status is 3.
    """
    if input is not None and input.value in FEEDS:
        raise typer.BadParameter(f"got {input.value}, which holds items; wanted files of events")
    given = {"lift": lift, "goal": goal, "segment": by_segment}
    if len(export) == 1 and Path(export[0]).is_dir():
        _show(_asked(Path(export[0]), given, worth), format, out)
        return
    said = bool(map or preset)
    shape = shape_of(preset, map or [], rename or [] if said else [], time if said else "", delimiter)
    with _project(keep, config, worth) as folder, paths_of(export, input, guessed=True) as paths:
        read = [_reading(path, shape, rename or [], time, input) for path in paths]
        _import(folder, read)
        if not any(one.entry.imported for one in read):
            raise ValueError(
                "got no row that makes an event: " + " ".join(_bad(read)) + " Say how to read it with --map"
            )
        reply = _asked(folder, given, worth)
    reply["rows"] = [*reply["rows"], *(_told(one) for one in read)]
    reply["kinds"] = {**reply["kinds"], "read": "How the files were read"}
    reply["notes"] = [*reply["notes"], *_bad(read)]
    _show(reply, format, out)
    if any(one.aside.count for one in read):
        raise typer.Exit(3)


class Reading:
    """One file: how it is read, in words, and what came of it."""

    def __init__(self, source: Source, words: str) -> None:
        self.source, self.words, self.name = source, words, source.path.name
        self.aside: Any = None
        self.entry: Any = None


class Money(NamedTuple):
    """What a goal without a value is worth, and its currency where one was said."""

    amount: Decimal
    currency: str

    def minor(self, own: str) -> int:
        """In minor units of the project's currency.

        Raises:
            typer.BadParameter: another currency was said.
        """
        from micromoments.core.money import minor

        if self.currency not in ("", own):
            raise typer.BadParameter(f"got --worth in {self.currency} and a project in {own}; wanted one currency")
        return minor(self.amount, own) or 0


def _money(text: str) -> Money:
    from micromoments.core.money import minor

    amount, _, currency = text.strip().partition(" ")
    units = minor(amount, currency)
    if units is None or units < 0 or (currency and not re.fullmatch("[A-Za-z]{3}", currency)):
        raise typer.BadParameter(f"got --worth {text!r}; wanted an amount, such as 40 or '40 EUR'")
    return Money(Decimal(amount), currency.upper())


def _reading(path: Path, shape: Any, renames: Sequence[str], time: str, input: ImportFormat | None) -> Reading:
    """How a file is read: as it was said, or as it looks."""
    from micromoments.cli.import_ import over
    from micromoments.engine.service import now_ms
    from micromoments.sources.files import Source
    from micromoments.sources.guess import guess

    form: Any = input.value if input is not None else None
    words = "as it was said"
    if not shape.fields and form in (None, "csv", "jsonl", "parquet"):
        guessed = guess(path)
        shape, words = shape.over(guessed.shape), guessed.words
        form = guessed.format
        if shape.fields:
            shape = over(shape, renames, time)
    say(f"{path.name}: read {words}")
    return Reading(Source(path, shape, now=now_ms(), format=form), words)


@contextmanager
def _project(keep: Path | None, config: Path | None, worth: str) -> Iterator[Path]:
    """A folder for the import: the one to keep, which must not be there yet, or one that is gone afterwards.

    History is not forgotten in it, however old it is.
    """
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise typer.BadParameter(f"got --keep {str(keep)!r}, which holds something; wanted a new folder")
    from micromoments.config.cluster import parted
    from micromoments.config.loader import read_text, read_toml

    with tempfile.TemporaryDirectory(prefix="micromoments-audit-") as temporary:
        folder = keep or Path(temporary) / "audit"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Where the project's own Kafka and Redis are, is of no concern to a history in a folder.
        said = parted(read_text(config)) if config is not None else ""
        named = _money(worth) if worth else Money(Decimal(0), "")
        own = read_toml(said, config or "micromoments.toml").get("currency", "")
        if own:
            named.minor(str(own))
        elif named.currency:
            said = f'currency = "{named.currency}"\n{said}'
        if "[retention]" not in said:
            said = f"{said}\n{_FOREVER}"
        (folder / "micromoments.toml").write_text(said, encoding="utf-8")
        yield folder


def _import(folder: Path, read: Sequence[Reading]) -> None:
    """All files into the folder, in the order of time."""
    import asyncio

    from micromoments.cli import history
    from micromoments.cli.ledger import Ledger
    from micromoments.sources.files import WINDOW
    from micromoments.sources.mapping import Shape

    ledger = Ledger(folder)
    with progress([one.source.path for one in read]) as (watch, told, words):
        imports = []
        for n, one in enumerate(read):
            one.source.watch = watch(n)
            one.source.check()
            one.entry = history.plan(one.source, Shape(), ledger, WINDOW)
            # Beside the export nothing is written: rows set aside go with the folder.
            one.aside = history.SetAside(ledger.path / one.name, folder)
            imports.append(history.Import(one.source, one.entry, one.aside, told(n)))
        asyncio.run(history.run(folder, imports, ledger, words))


def _asked(folder: Path, given: dict[str, str], worth: str) -> dict[str, Any]:
    """The report on a project's facts."""
    from micromoments.cli.on_cluster import asking
    from micromoments.config import load
    from micromoments.report.reports import run

    params, settings = {name: value for name, value in given.items() if value}, load(folder)
    if worth:
        params["worth"] = str(_money(worth).minor(settings.currency))
    with asking(folder) as ask:
        return run(ask, "history", params, settings)


def _told(one: Reading) -> dict[str, Any]:
    return {
        "of": "read", "file": one.name, "events": one.entry.imported, "left_out": one.entry.skipped,
        "set_aside": one.aside.count, "told_twice": one.entry.duplicates, "how": one.words,
    }  # fmt: skip


def _bad(read: Sequence[Reading]) -> Iterator[str]:
    for one in read:
        if one.aside.count:
            why = ", ".join(f"{code} {count:,}" for code, count in sorted(one.aside.reasons.items()))
            total = one.aside.count + one.entry.emitted
            yield f"{one.aside.count:,} of {total:,} rows of {one.name} could not be read ({why}); they count nowhere."


def _show(reply: dict[str, Any], format: Format, out: Path | None) -> None:
    if format is Format.html and out is None and sys.stdout.isatty():
        out = Path("audit.html")
    if out is None:
        _print(reply, format)
        return
    with out.open("w", encoding="utf-8") as file, redirect_stdout(file):
        _print(reply, format)
    say(f"written to {out}")


def _print(reply: dict[str, Any], format: Format) -> None:
    if format is Format.json:
        put_json(reply)
    elif format is Format.html:
        from micromoments.report.html import page

        sys.stdout.write(page(reply))
    else:
        from micromoments.cli.report import show

        show(reply)
