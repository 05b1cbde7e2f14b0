"""The catalogue's doors: put, patch, read and delete items, one or many, as JSON lines or an array."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import msgspec

from micromoments.core.item import Item
from micromoments.decide.fair import unfair
from micromoments.engine.bites import in_bites
from micromoments.server import shapes
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access, require_whole
from micromoments.server.problem import Problem, not_taken, shown
from micromoments.server.service import Service
from micromoments.sources.items import MAX_ID, BadItem
from micromoments.sources.items import read as read_item
from micromoments.sources.lenient import MARK, Rejected, check_sound, decode
from micromoments.sources.wire import UNREADABLE

MAX_BODY = 16 * 1024 * 1024
"""Bytes of one bulk request, after gunzip."""
MAX_ITEMS = 20_000
MAX_ITEM = 64 * 1024


class ItemDoors:
    """The doors under ``/v1/items``. Only the business itself reads or changes its catalogue."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def list(self, call: Call, access: Access) -> Reply:
        """Items in the order of their ids; ``cursor`` goes on where the last answer ended."""
        require_whole(access)
        limit = call.number("limit", 100, 1000)
        after = _after(call.query.get("cursor"))
        found = self._service.items(after, limit + 1)
        more = len(found) > limit
        page = found[:limit]
        cursor = base64.urlsafe_b64encode(page[-1].id.encode()).decode() if more else None
        return reply({"items": await in_bites(_shown(page)), "cursor": cursor})

    async def get(self, call: Call, access: Access) -> Reply:
        """One item."""
        require_whole(access)
        return reply(shapes.item(self._known(call.path[2])))

    async def put(self, call: Call, access: Access) -> Reply:
        """Put many: new ones, or whole replacements. Those that can't be taken are named; the others are put."""
        require_whole(access)
        return await self._bulk(await call.body(MAX_BODY), patch=False)

    async def patch(self, call: Call, access: Access) -> Reply:
        """Change fields of many; each object names its ``id``. ``null`` puts a field back to its default."""
        require_whole(access)
        return await self._bulk(await call.body(MAX_BODY), patch=True)

    async def put_one(self, call: Call, access: Access) -> Reply:
        """Put one item under the id of the path."""
        require_whole(access)
        return await self._one(call, await call.body(MAX_ITEM), patch=False)

    async def patch_one(self, call: Call, access: Access) -> Reply:
        """Change fields of one item (JSON Merge Patch, RFC 7396)."""
        require_whole(access)
        return await self._one(call, await call.body(MAX_ITEM), patch=True)

    async def delete_one(self, call: Call, access: Access) -> Reply:
        """Delete one item; one that isn't there is no error."""
        require_whole(access)
        await self._service.delete_items([call.path[2]])
        return Reply(204)

    async def delete(self, call: Call, access: Access) -> Reply:
        """Delete many by their ids: an array of strings, or of objects with ``id``."""
        require_whole(access)
        ids: list[str] = []
        for value in _values(await call.body(MAX_BODY)):
            id = value.get("id") if isinstance(value, dict) else value
            if not isinstance(id, str) or not 0 < len(id) <= MAX_ID:
                raise Problem(400, "bad_id", "an entry that is no id", "ids as strings", "nothing was deleted")
            ids.append(id)
        await self._service.delete_items(ids)
        return reply({"deleted": len(ids)})

    def _known(self, id: str) -> Item:
        one = self._service.catalog.get(id)
        if one is None:
            raise Problem(404, "no_such_item", f"id {shown(id)}", "the id of an item that was put")
        return one

    async def _one(self, call: Call, body: bytes, *, patch: bool) -> Reply:
        id = call.path[2]
        try:
            value = decode(body)
            if not isinstance(value, dict):
                raise BadItem("not_an_object", "got something else; wanted a JSON object")
            if value.setdefault("id", id) != id:
                raise BadItem("id_mismatch", "got another id in the body than in the path; wanted the same, or none")
            one = read(_patched(self._known(id), value) if patch else value)
        except (BadItem, Rejected) as bad:
            raise not_taken(bad.code, bad.detail, "an item as /openapi.json describes it") from None
        await self._service.put_items([one])
        return reply(shapes.item(one))

    def _on_known(self, change: dict[str, Any], newer: dict[str, Item]) -> dict[str, Any]:
        """The change merged into the item that it names; one changed earlier in the same request counts."""
        id = change.get("id")
        known = (newer.get(id) or self._service.catalog.get(id)) if isinstance(id, str) else None
        if known is None:
            raise BadItem("no_such_item", "got the id of no item; put it whole first")
        return _patched(known, change)

    async def _bulk(self, body: bytes, *, patch: bool) -> Reply:
        items: dict[str, Item] = {}
        values = _values(body)
        rejected = await in_bites(self._read(values, items, patch=patch))
        await self._service.put_items(list(items.values()))
        return reply({"accepted": len(values) - len(rejected), "rejected": rejected})

    def _read(
        self, values: Sequence[Any], items: dict[str, Item], *, patch: bool
    ) -> Generator[None, None, Sequence[dict[str, Any]]]:
        """Gather the items by id, a step for each; gives those that can't be taken."""
        rejected: list[dict[str, Any]] = []
        for index, value in enumerate(values):
            id = value.get("id") if isinstance(value, dict) else None
            try:
                if not isinstance(value, dict):
                    raise BadItem("not_an_object", "got something else; wanted a JSON object")
                check_sound(value)
                one = read(self._on_known(value, items) if patch else value)
                items[one.id] = one
            except (BadItem, Rejected) as bad:
                shown_id = id[:MAX_ID] if isinstance(id, str) else None
                rejected.append({"index": index, "id": shown_id, "code": bad.code, "detail": bad.detail})
            yield
        return rejected


def _shown(items: Sequence[Item]) -> Generator[None, None, list[shapes.ItemShape]]:
    """Items as a list has them, a step for each."""
    shown: list[shapes.ItemShape] = []
    for one in items:
        shown.append(shapes.item(one))
        yield
    return shown


def read(value: dict[str, Any]) -> Item:
    """An item from its JSON, if it may be served to anyone.

    Raises:
        BadItem: what ``sources.items`` can't take, or what is against fair prices.
    """
    item = read_item(value)
    if against := unfair(item):
        raise BadItem(*against)
    return item


def _patched(known: Item, change: dict[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7396) on the item as it is shown."""
    merged: dict[str, Any] = _merge(msgspec.to_builtins(shapes.item(known)), change)
    return merged


def _merge(target: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged


def _values(body: bytes) -> Sequence[Any]:
    """The entries of an array, of JSON lines, or the one object.

    Raises:
        Problem: not JSON, or too many.
    """
    try:
        values = list(_entries(body))
    except UNREADABLE as error:
        wanted = "a JSON array, or one JSON object a line"
        raise Problem(400, "malformed_json", f"bytes that are not JSON ({str(error)[:100]})", wanted) from None
    if len(values) > MAX_ITEMS:
        raise Problem(413, "too_many_items", f"{len(values)} entries", f"at most {MAX_ITEMS}", "send them in parts")
    return values


def _entries(body: bytes) -> Iterator[Any]:
    decode_json = msgspec.json.Decoder().decode
    body = body.removeprefix(MARK)
    if body.lstrip()[:1] == b"[":
        value = decode_json(body)
        yield from value
        return
    try:
        # One object may be spread over lines; many are one a line.
        yield decode_json(body)
    except msgspec.DecodeError:
        for n, line in enumerate(body.splitlines(), 1):
            if line.strip():
                try:
                    yield decode_json(line)
                except msgspec.DecodeError as error:
                    raise msgspec.DecodeError(f"line {n}: {error}") from None


def _after(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Problem(400, "bad_cursor", f"cursor {shown(cursor)}", "one that an answer gave") from None
