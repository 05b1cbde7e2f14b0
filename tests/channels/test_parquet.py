"""Events as Parquet, on whatever file system fsspec knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

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


class Lake(NamedTuple):
    """A folder of some file system, and what opens it."""

    url: str
    secret: str = ""

    def channel(self) -> ParquetChannel:
        """The channel that writes there."""
        return ParquetChannel(Destination(kind="parquet", url=self.url), self.secret)

    def opened(self) -> tuple[fsspec.AbstractFileSystem, str]:
        """The file system, looked at anew, and the folder."""
        options = msgspec.json.decode(self.secret) if self.secret else {}
        files, folder = fsspec.core.url_to_fs(self.url, skip_instance_cache=True, **options)
        return files, folder

    def rows(self) -> list[dict[str, object]]:
        """All rows, by their message ids."""
        files, folder = self.opened()
        tables = [pq.read_table(files.open(path)) for path in sorted(files.glob(f"{folder}/**/*.parquet"))]
        return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: str(row["message_id"]))


def s3_secret(address: str) -> str:
    """What opens it."""
    return msgspec.json.encode({"key": "k", "secret": "s", "endpoint_url": address}).decode()


@pytest.fixture(params=["memory", "local", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """A folder in memory, one on the disk, and one of an object store."""
    if request.param == "s3":
        return Lake(f"s3://lake/{tmp_path.name}", s3_secret(request.getfixturevalue("s3")))
    return Lake(f"memory://lake-{tmp_path.name}/events" if request.param == "memory" else f"file://{tmp_path}/lake/e")


def test_events_are_rows_in_a_folder_a_day(lake: Lake) -> None:
    """Fields are columns of text, bags are JSON; a batch that spans days is a file in each of them."""
    assert lake.channel().send(batch(*CALLS), 5).taken
    first, second = lake.rows()
    assert (first["message_id"], first["event"], first["user_id"], first["name"]) == (
        "m1",
        "Order Completed",
        "ana",
        None,
    )
    assert msgspec.json.decode(str(first["properties"])) == CALLS[0]["properties"]
    assert (second["type"], second["anonymous_id"], second["context"]) == ("page", "a", None)
    files, folder = lake.opened()
    days = sorted(path.rpartition("/")[2] for path in files.ls(folder, detail=False))
    assert days == ["date=2027-01-15", "date=2027-01-16"]


def test_a_batch_that_is_sent_again_is_the_same_file(lake: Lake) -> None:
    """After a crash the batch comes again with more behind it, and nothing is there twice."""
    channel = lake.channel()
    channel.send(batch(CALLS[0]), 5)
    channel.send(batch(CALLS[0], {**CALLS[0], "messageId": "m3"}), 6)
    channel.close()

    assert [row["message_id"] for row in lake.rows()] == ["m1", "m3"]


def test_a_moment_s_news_is_no_row(lake: Lake) -> None:
    """What isn't a forward's is refused for good."""
    receipt = lake.channel().send(batch(id="dlv_1"), 5)

    assert (receipt.taken, receipt.again) == (False, False)


def test_what_can_t_be_written_is_tried_again(tmp_path: Path) -> None:
    """A folder that is a file today may be one no more tomorrow."""
    (tmp_path / "lake").write_text("no folder")
    receipt = ParquetChannel(Destination(kind="parquet", url=f"file://{tmp_path}/lake/events"), "").send(
        batch(CALLS[0]), 5
    )

    assert (receipt.taken, receipt.again) == (False, True)


def test_a_bucket_that_isn_t_there_is_not_made(s3: str) -> None:
    """A slip in the address is told, tried again, and leaves no bucket behind."""
    import boto3

    receipt = Lake("s3://laek/events", s3_secret(s3)).channel().send(batch(CALLS[0]), 5)

    assert (receipt.taken, receipt.again) == (False, True)
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    there = boto3.client("s3", endpoint_url=s3, **keys).list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in there] == ["lake"]


def test_an_object_store_without_credentials_is_tried_again(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its package raises, which is no OSError, is a try that failed, with its name."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    nobody = msgspec.json.encode({"endpoint_url": s3}).decode()

    receipt = Lake("s3://lake/events", nobody).channel().send(batch(CALLS[0]), 5)

    assert (receipt.taken, receipt.again) == (False, True)
    assert receipt.detail.startswith("NoCredentialsError")


@pytest.mark.parametrize(
    ("address", "secret"), [("nosuchthing://x/y", ""), ("memory://x", "no json"), ("memory://x", "[1]")]
)
def test_what_can_t_be_opened_is_said(address: str, secret: str) -> None:
    """An unknown file system, and a secret that is no JSON object, are refused at once."""
    with pytest.raises(ValueError, match="got"):
        ParquetChannel(Destination(kind="parquet", url=address), secret)
