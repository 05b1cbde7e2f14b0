"""Events as Parquet files in object storage, or any other file system that fsspec knows: ``s3://``, ``gs://``.

A file a day (UTC, by the event's time) and batch, named by the first of its events: after a crash the same file is
written again, with the same events and perhaps more. Source: https://filesystem-spec.readthedocs.io, "Instantiate a
file-system". Needs the extra ``lake``, and the file system's own package (``s3fs``, ``gcsfs``, ``adlfs``).
"""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from micromoments.core.delivery import Delivery, Receipt, later, never, taken
from micromoments.core.event import Millis
from micromoments.core.settings import Destination

COLUMNS = {
    "message_id": "messageId",
    "timestamp": "timestamp",
    "type": "type",
    "event": "event",
    "name": "name",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "previous_id": "previousId",
    "group_id": "groupId",
}
"""Columns of text, and the fields of a call that they hold."""
BAGS = ("properties", "traits", "context")
"""Columns of JSON text."""
SCHEMA = pa.schema([*((name, pa.string()) for name in COLUMNS), *((name, pa.string()) for name in BAGS)])


class ParquetChannel:
    """A folder ``<url>/date=YYYY-MM-DD/`` of files.

    Args:
        destination: ``url`` is the folder, with the file system's protocol.
        secret: the file system's own arguments as a JSON object (``key``, ``secret``, ``endpoint_url``); empty where it
            finds them by itself.

    Raises:
        ValueError: fsspec or the file system's package is not installed, or the secret is no JSON object.
    """

    def __init__(self, destination: Destination, secret: str) -> None:
        try:
            import fsspec
        except ImportError:
            raise ValueError("got kind = parquet without fsspec; pip install 'micromoments[lake]'") from None
        try:
            options: dict[str, Any] = msgspec.json.decode(secret, type=dict[str, Any]) if secret else {}
        except msgspec.DecodeError:
            raise ValueError('got a secret that is no JSON object; wanted {"key": ..., "secret": ...}') from None
        try:
            self._files, self._folder = fsspec.core.url_to_fs(destination.url, skip_instance_cache=True, **options)
        except (ImportError, ValueError) as error:
            raise ValueError(f"got url = {destination.url!r}, which can't be opened: {error}") from None

    def send(self, delivery: Delivery, now: Millis) -> Receipt:  # noqa: ARG002 the port has it
        """Write a batch; each file is whole or not there at all, as far as its file system can say so."""
        if not delivery.events:
            return never("a moment's delivery; wanted events, by a forward")
        days: dict[str, list[dict[str, Any]]] = {}
        for call in msgspec.json.decode(delivery.data)["batch"]:
            days.setdefault(str(call["timestamp"])[:10], []).append(call)
        try:
            for day, calls in sorted(days.items()):
                folder = f"{self._folder}/date={day}"
                # An object store has no folders; asked for one, it would make a bucket that isn't there.
                if not self._files.async_impl:
                    self._files.makedirs(folder, exist_ok=True)
                with self._files.transaction, self._files.open(f"{folder}/{delivery.id}.parquet", "wb") as file:
                    pq.write_table(table(calls), file, compression="zstd")
        except Exception as error:  # noqa: BLE001 - every file system's package has errors of its own
            return later(f"{type(error).__name__}: {error}"[:200])
        return taken()

    def close(self) -> None:
        """Nothing is kept open."""


def table(calls: list[dict[str, Any]]) -> pa.Table:
    """Calls as rows: fields as text, bags as JSON."""
    rows = [
        {name: _text(call.get(field)) for name, field in COLUMNS.items()}
        | {name: msgspec.json.encode(call[name]).decode() if name in call else None for name in BAGS}
        for call in calls
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None if value is None else str(value)
