"""Places of files that both this process and Spark's workers reach: a folder, or a path in a bucket.

Arrow calls a bucket ``s3://``, Hadoop, with which Spark reads, ``s3a://``. What a place or the environment says of it
(an endpoint, a region, a key) is told to Spark, too, so that both find the same files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow.parquet as pq
from pyarrow import fs

from micromoments.ports import StoreError

S3: Final = "s3://"
S3A: Final = "s3a://"


class Place:
    """A folder, or a path in a bucket (``s3://``, ``gs://``), with what its address says after ``?``.

    Raises:
        StoreError: it is no such place.
    """

    def __init__(self, where: str | Path) -> None:
        text = str(where)
        # A path that was taken for one of a disk has lost a slash.
        self.where = re.sub(r"^(\w{2,}):/+", r"\1://", text) if re.match(r"^\w{2,}:/", text) else text
        try:
            if "://" in self.where:
                self._fs, self._root = fs.FileSystem.from_uri(self.where)
            else:
                self._fs, self._root = fs.LocalFileSystem(), str(Path(text).absolute())
        except (OSError, ValueError) as error:
            raise StoreError(f"got {bare(self.where)}: {error}; wanted a folder, or a bucket (s3://, gs://)") from None

    @property
    def spark(self) -> str:
        """Its address as Spark has it."""
        scheme = "file" if isinstance(self._fs, fs.LocalFileSystem) else self.where.partition("://")[0]
        return as_spark(f"{scheme}://{self._root}")

    def under(self, name: str) -> Place:
        """A place in it."""
        path, mark, rest = self.where.partition("?")
        return Place(f"{path.rstrip('/')}/{name}{mark}{rest}")

    def begin(self) -> None:
        """Make it, private where it is a folder.

        Raises:
            StoreError: there is something already.
        """
        if self._fs.get_file_info(fs.FileSelector(self._root, allow_not_found=True)):
            raise StoreError(f"got {bare(self.where)}, which isn't empty; wanted a new folder for the log")
        if isinstance(self._fs, fs.LocalFileSystem):
            Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        return bool(self._fs.get_file_info(f"{self._root}/{name}").is_file)

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            OSError: it isn't there.
        """
        with self._fs.open_input_stream(f"{self._root}/{name}") as stream:
            return bytes(stream.read())

    def write(self, name: str, body: bytes) -> None:
        """Write a file."""
        with self._fs.open_output_stream(f"{self._root}/{name}") as stream:
            stream.write(body)

    def write_table(self, name: str, table: Any) -> None:
        """Write a table as Parquet."""
        pq.write_table(table, f"{self._root}/{name}", filesystem=self._fs, compression="zstd")


def bare(where: str) -> str:
    """A place without what may be secret in its address."""
    return re.sub(r"://[^/?]*@", "://", where.partition("?")[0])


def as_spark(name: str) -> str:
    """A file's name as Spark has it.

    >>> as_spark("s3://lake/facts/a.parquet"), as_spark("/facts/a.parquet")
    ('s3a://lake/facts/a.parquet', 'file:///facts/a.parquet')
    """
    if name.startswith(S3):
        return S3A + name.removeprefix(S3)
    return name if "://" in name else f"file://{name}"


def settings(places: Iterable[str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What Spark must be told to reach these places as Arrow does: of each bucket of S3 its endpoint, region and keys,
    from its address, else from what AWS's own tools take from the environment.

    >>> found = settings(["s3://lake/x?endpoint_override=minio:9000&scheme=http&region=eu-north-1"], {})
    >>> found["spark.hadoop.fs.s3a.bucket.lake.endpoint"], found["spark.hadoop.fs.s3a.bucket.lake.endpoint.region"]
    ('http://minio:9000', 'eu-north-1')
    """
    found: dict[str, str] = {}
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
    for place in places:
        if not place.startswith((S3, S3A)):
            continue
        url = urlsplit(place)
        said = {name: values[-1] for name, values in parse_qs(url.query).items()}
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL", "")
        if override := said.get("endpoint_override"):
            endpoint = override if "://" in override else f"{said.get('scheme', 'https')}://{override}"
        words = {
            "endpoint": endpoint,
            "endpoint.region": said.get("region") or region or ("us-east-1" if endpoint else ""),
            # A server of one's own seldom has a name for each bucket.
            "path.style.access": "true" if endpoint else "",
            "access.key": unquote(url.username or "") or environment.get("AWS_ACCESS_KEY_ID", ""),
            "secret.key": unquote(url.password or "") or environment.get("AWS_SECRET_ACCESS_KEY", ""),
            "session.token": "" if url.username else environment.get("AWS_SESSION_TOKEN", ""),
        }
        bucket = f"spark.hadoop.fs.s3a.bucket.{url.hostname}"
        found.update({f"{bucket}.{name}": value for name, value in words.items() if value})
    return found
