"""The app around an experience: its pages and visitors, live streams, the engine, and what runs beside it."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from micromoments.demo.fulfil import Desk, Live, Order, Teller, web
from micromoments.demo.shell.advisor import Advisor
from micromoments.demo.shell.face import Face

AGAIN = 1.0
"""Seconds between two looks for payments that are due to be asked again."""
_log = logging.getLogger(__name__)


class Became(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What became of a decision."""

    decision_id: str
    what: Literal["seen", "clicked", "dismissed"]
    item_id: str = ""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened on a page."""

    event: str
    properties: dict[str, Any] = {}


class Experience(ABC):
    """An app, made once its loop runs, as live streams belong to a loop. ``engine`` is the engine's address and key."""

    advisor: Advisor
    live: Live
    teller: Teller

    def __init__(self, face: Face, desk: Desk, engine: tuple[str, str]) -> None:
        self.face = face
        self._desk = desk
        self._engine = engine
        self.visitors = web.Visitors(face.name, f"/{face.name}")
        self._pages = face.served()
        self._ready = False

    def app(self) -> web.Guard:
        """The ASGI application."""
        at = f"/{self.face.name}"
        doors: dict[str, web.Handler] = {
            f"GET {at}": self._slash,
            f"GET {at}/readyz": self._readyz,
            f"GET {at}/api/live": self._watch,
            f"POST {at}/api/events": self._event,
            f"POST {at}/api/outcomes": self._outcome,
            f"GET {at}/api/why/{{id}}": self._why,
            **{door.replace(" ", f" {at}/api/", 1): handler for door, handler in self.doors().items()},
            f"GET {at}/": self._page,
            f"GET {at}/{{name:path}}": self._page,
        }
        return web.Guard(Starlette(routes=web.routes(doors), lifespan=self._lifespan))

    # --- what is an experience's own ----------------------------------------------------------------

    @abstractmethod
    def doors(self) -> dict[str, web.Handler]:
        """Its doors by ``"METHOD path"``, below ``api/``."""

    @abstractmethod
    def show(self, order: Order) -> dict[str, Any]:
        """What an order's owner is shown of it."""

    @abstractmethod
    def open(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Make what belongs to the loop (``self.advisor``), listen to the desk; what is to run beside until the end."""

    @abstractmethod
    def open_up(self) -> None:
        """Finish what a crash interrupted, before the first visitor; in a thread."""

    def owner(self, request: Request) -> str:
        """Whose orders these are: the visitor's own name, unless they joined somebody's."""
        return self.visitors.owner(request)

    def context(self, request: Request) -> dict[str, Any]:
        """What the engine is told with every event of this request's."""
        del request
        return {}

    def changed(self, order: Order) -> None:
        """An order changed: whoever watches is told, and the engine."""
        self.live.changed(order)
        self.teller.ring()

    # --- what all have in common --------------------------------------------------------------------

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.live = Live(self._desk.store, self.show)
        self.teller = Teller(self._engine[0], self._desk.store, self._engine[1])
        beside = self.open()
        await asyncio.to_thread(self.open_up)
        tasks = [asyncio.create_task(work) for work in (self.teller.run(), self._again(), *beside)]
        self._ready = True
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.teller.close()

    async def _again(self) -> None:
        """Ask again for payments whose answer got lost, each when it is due."""
        while True:
            await asyncio.sleep(AGAIN)
            try:
                await asyncio.to_thread(self._desk.ask_due)
            except Exception:  # noqa: BLE001 whatever it was, the others are asked again next time
                _log.exception("asking for payments again")

    async def _slash(self, _: Request) -> Response:
        return RedirectResponse(f"/{self.face.name}/", 308)

    async def _readyz(self, _: Request) -> Response:
        return web.answer({"ready": self._ready})

    async def _page(self, request: Request) -> Response:
        name = self.face.page(request.path_params.get("name", ""))
        page = self._pages.get(request, name)
        return self.visitors.welcome(request, page) if name.endswith(".html") else page

    async def _own(self, request: Request) -> str:
        return await asyncio.to_thread(self.owner, request)

    async def _watch(self, request: Request) -> Response:
        return web.stream(self.live.stream(("owner", await self._own(request)), web.after(request)))

    async def _event(self, request: Request) -> Response:
        said = await web.read(request, Told)
        await self.advisor.event(await self._own(request), said.event, said.properties, **self.context(request))
        return web.answer({"success": True})

    async def _outcome(self, request: Request) -> Response:
        said = await web.read(request, Became)
        owner = await self._own(request)
        await self.advisor.outcome(owner, said.decision_id, said.what, said.item_id, **self.context(request))
        return web.answer({"success": True})

    async def _why(self, request: Request) -> Response:
        return web.answer(await self.advisor.why(await self._own(request), request.path_params["id"]))
