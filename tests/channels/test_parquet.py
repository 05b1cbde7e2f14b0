"""Events as Parquet, on whatever file system fsspec knows."""

from __future__ import annotations

from pathlib import Path

import fsspec
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from micromoments.channels.parquet import ParquetChannel
from micromoments.core.delivery import Delivery
from micromoments.core.settings import Destination

CALLS: list[dict[str, object]] = [
    {"type": "track", "messageId": "m1", "timestamp": "2027-01-15T08:00:00.000Z", "event": "Order Completed",
     "userId": "ana", "properties": {"revenue": 89, "products": [{"product_id": "p1"}]}},
    {"type": "page", "messageId": "m2", "timestamp": "2027-01-16T00:00:00.000Z", "name": "Home", "anonymousId": "a"},
]  # fmt: skip


def batch(*calls: dict[str, object], id: str = "fwd_1") -> Delivery:
    """Calls as a forward hands them over."""
    data = msgspec.json.encode({"batch": list(calls)})
    return Delivery(id=id, trigger="lake", person="", surrogate=0, moment="", at=1, due=1, until=1, data=data)


def rows(url: str) -> list[dict[str, object]]:
    """All rows under a folder, by their message ids."""
    files, folder = fsspec.core.url_to_fs(url)
    tables = [pq.read_table(files.open(path)) for path in sorted(files.glob(f"{folder}/**/*.parquet"))]
    return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: str(row["message_id"]))


@pytest.fixture(params=["memory", "local"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder in memory, and one on the disk."""
    return f"memory://lake-{tmp_path.name}/events" if request.param == "memory" else f"file://{tmp_path}/lake/events"


def test_events_are_rows_in_a_folder_a_day(url: str) -> None:
    """Fields are columns of text, bags are JSON; a batch that spans days is a file in each of them."""
    channel = ParquetChannel(Destination(kind="parquet", url=url), "")

    assert channel.send(batch(*CALLS), 5).taken
    first, second = rows(url)
    assert (first["message_id"], first["event"], first["user_id"], first["name"]) == (
        "m1",
        "Order Completed",
        "ana",
        None,
    )
    assert msgspec.json.decode(str(first["properties"])) == CALLS[0]["properties"]
    assert (second["type"], second["anonymous_id"], second["context"]) == ("page", "a", None)
    files, folder = fsspec.core.url_to_fs(url)
    days = sorted(path.rpartition("/")[2] for path in files.ls(folder, detail=False))
    assert days == ["date=2027-01-15", "date=2027-01-16"]


def test_a_batch_that_is_sent_again_is_the_same_file(url: str) -> None:
    """After a crash the batch comes again with more behind it, and nothing is there twice."""
    channel = ParquetChannel(Destination(kind="parquet", url=url), "")
    channel.send(batch(CALLS[0]), 5)
    channel.send(batch(CALLS[0], {**CALLS[0], "messageId": "m3"}), 6)
    channel.close()

    assert [row["message_id"] for row in rows(url)] == ["m1", "m3"]


def test_a_moment_s_news_is_no_row(url: str) -> None:
    """What isn't a forward's is refused for good."""
    receipt = ParquetChannel(Destination(kind="parquet", url=url), "").send(batch(id="dlv_1"), 5)

    assert (receipt.taken, receipt.again) == (False, False)


def test_what_can_t_be_written_is_tried_again(tmp_path: Path) -> None:
    """A folder that is a file today may be one no more tomorrow."""
    (tmp_path / "lake").write_text("no folder")
    receipt = ParquetChannel(Destination(kind="parquet", url=f"file://{tmp_path}/lake/events"), "").send(
        batch(CALLS[0]), 5
    )

    assert (receipt.taken, receipt.again) == (False, True)


@pytest.mark.parametrize(
    ("address", "secret"), [("nosuchthing://x/y", ""), ("memory://x", "no json"), ("memory://x", "[1]")]
)
def test_what_can_t_be_opened_is_said(address: str, secret: str) -> None:
    """An unknown file system, and a secret that is no JSON object, are refused at once."""
    with pytest.raises(ValueError, match="got"):
        ParquetChannel(Destination(kind="parquet", url=address), secret)
