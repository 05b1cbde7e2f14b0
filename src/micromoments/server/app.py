"""The ASGI callable: a look-up by exact path for the hot doors, a table for the others, one place for errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from micromoments.recognise.sensitive import detector
from micromoments.server.answer import AnswerDoors
from micromoments.server.assistant import Assistant, AssistantDoor
from micromoments.server.audit import AuditDoors
from micromoments.server.cloudevents import CloudEvents
from micromoments.server.collect import DOORS, SPELLINGS, Collector
from micromoments.server.control import ControlDoors
from micromoments.server.cors import ANYONE, Cors
from micromoments.server.decide import Decider
from micromoments.server.deliveries import DeliveryDoors
from micromoments.server.foreign import Handler, Routes
from micromoments.server.http import Call, Receive, Reply, Room, Scope, Send, raw_path, refused, reply
from micromoments.server.insight import Insight
from micromoments.server.items import ItemDoors
from micromoments.server.keys import OPEN, Access, Keys, as_sent
from micromoments.server.lane import Lane
from micromoments.server.loop import Loop
from micromoments.server.metrics import Metrics
from micromoments.server.multislot import MultiSlot
from micromoments.server.nearby import NearbyDoor
from micromoments.server.ofrep import Ofrep
from micromoments.server.openapi import document
from micromoments.server.pages import Pages
from micromoments.server.people import People
from micromoments.server.personalizer import Personalizer, usual
from micromoments.server.problem import Problem, problem_of
from micromoments.server.receipt import Receipts
from micromoments.server.scripts import routes as script_routes
from micromoments.server.search import SearchDoor
from micromoments.server.service import LogDown, Service
from micromoments.server.sessions import Sessions
from micromoments.server.sessions import routes as session_routes
from micromoments.server.snowplow import VENDOR, Snowplow
from micromoments.server.stream import Streams
from micromoments.sources.clean import Cleaner

log = logging.getLogger("micromoments.server")

Methods = dict[str, tuple[Handler, bool]]
"""What a path does by method, and whether it needs no key."""


class App:
    """One project's doors.

    Args:
        service: the engine.
        keys: who may do what.
        pages: folders of static pages by their prefix (``/`` is the dashboard), beside those that we ship.
        assistant: makes the door for assistants at ``/mcp``, given this; none by default.
    """

    def __init__(
        self,
        service: Service,
        keys: Keys,
        *,
        pages: Sequence[tuple[str, Path]] = (),
        assistant: Callable[[App], Assistant] | None = None,
    ) -> None:
        self.service = service
        self._assistant = AssistantDoor(assistant(self)) if assistant is not None else None
        self.keys = keys
        settings = service.settings
        keys.allow_origins(settings.origins)
        self._cors = Cors(settings.origins, local=keys.open)
        self._room = Room()
        self._cleaner = Cleaner(settings.intake, detector(settings.recognition.sensitive))
        self.collector = Collector(service, keys, self._cleaner, self._cors, self._room)
        self.streams = Streams(service, self._cors)
        self.decider = Decider(service, self._cleaner)
        self.lane = Lane(service, self.collector, keys, self._cors, self.decider.reply)
        self._people = People(service)
        self._items = ItemDoors(service)
        self._search = SearchDoor(service)
        self._nearby = NearbyDoor(service)
        self._insight = Insight(service)
        self._others = (
            AnswerDoors(service),
            CloudEvents(service, self._cleaner, self.collector),
            Snowplow(service, keys, self._cleaner, self._cors, self.collector),
            Ofrep(service, keys, self.streams),
            personalizer := Personalizer(service, keys),
            MultiSlot(personalizer),
            Loop(service, personalizer),
        )
        self._control = ControlDoors(service)
        self._deliveries = DeliveryDoors(service)
        self.sessions = Sessions(keys, service.clock, self.streams.end)
        self._audit = AuditDoors(service)
        self._receipts = Receipts(service)
        self.metrics = Metrics(service, self.collector, self.decider, self.streams)
        self._pages = Pages(pages)
        self.draining = False
        self.failure: Exception | None = None
        self._contract = reply(document(), headers=[ANYONE])
        self._collect = self.collector.__call__
        self._exact, self._patterns = self._table()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: one request, or the life of the process."""
        if scope["type"] == "http":
            if scope["method"] == "POST" and (door := SPELLINGS.get(scope["path"])) is not None:
                await self._collect(door, scope, receive, send)
                return
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1003})

    def drain(self) -> None:
        """Say not ready, and end the live streams, so that the requests under way can finish and the process stop."""
        self.draining = True
        self.streams.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self._cleaner.warm()
                    await self.service.start()
                    if self._assistant is not None:
                        await self._assistant.start()
                except Exception as error:  # noqa: BLE001 - told to whoever started the server, in ``run``
                    self.failure = error
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                self.drain()
                if self._assistant is not None:
                    await self._assistant.stop()
                await self.service.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A door off the hot path: find it, ask who is there, answer; whatever goes wrong becomes a problem."""
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        extra = self._cors.headers(origin)
        try:
            answer = await self._answer(scope, receive, send, origin)
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                # Ids and bodies stay out of the log: the traceback says where, which is what is needed.
                log.exception("an error of ours at %s %s", scope["method"], raw_path(scope).split("/", 3)[1:3])
            answer = refused(problem)
        if answer is not None:
            # What says that anyone may read it says all; said twice it would say nothing.
            await answer.send(send, [] if ANYONE in answer.headers else extra)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, origin: bytes | None) -> Reply | None:
        call = Call(scope, receive, send, self._room)
        if call.method == "OPTIONS":
            return self._preflight(call, origin)
        handler, public = self._find(call)
        if public:
            return await handler(call, OPEN)
        if self.keys.open:
            self.keys.check_loopback(call.headers)
        access = self.keys.of(call.headers.get(b"authorization")) or self.sessions.access(call)
        if access is None and call.path[:2] == ["v1", "stream"] and "access_token" in call.query:
            # A browser's EventSource can't send a header; only a short-lived person token is taken this way.
            bearer = self.keys.of_bearer(call.query["access_token"])
            access = bearer if bearer is not None and bearer.who == "person" else None
        if access is None:
            raise Problem(
                401,
                "no_valid_key",
                "no credential that is known" if b"authorization" in call.headers else "no Authorization header",
                "a write key (Basic, as the user), a secret key or a person token (Bearer)",
                "keys are named in micromoments.toml or MICROMOMENTS_WRITE_KEY and MICROMOMENTS_SECRET_KEY",
            )
        return await handler(call, as_sent(access, call.headers))

    def _preflight(self, call: Call, origin: bytes | None) -> Reply:
        headers = self._cors.preflight(origin)[len(self._cors.headers(origin)) :]
        if headers and call.path[:1] in ([VENDOR], ["i"]):
            headers = [*headers, *self._cors.credentials(origin)]
        if methods := self._methods(usual(call.path)):
            headers = [*headers, (b"allow", allowed(methods).encode())]
        return Reply(204, headers=headers)

    def _find(self, call: Call) -> tuple[Handler, bool]:
        """The door of a method and path, and whether it needs no key."""
        path = usual(call.path)
        known = self._methods(path)
        if known is None:
            if call.method == "GET" and path[:1] != ["v1"]:
                return self._page, True
            wanted = "one that GET /openapi.json lists"
            raise Problem(404, "no_such_door", f"{call.method} a path that there isn't", wanted)
        if call.method not in known:
            raise Problem(405, "wrong_method", call.method[:10], allowed(known), "use one of these on this path")
        return known[call.method]

    def _methods(self, path: list[str]) -> Methods | None:
        """What a path's door does by method; ``None`` where there is none."""
        name = "/" + "/".join(path)
        if (known := self._exact.get(name)) is not None:
            return known
        for pattern, methods in self._patterns:
            if len(pattern) == len(path) and all(p in ("*", s) for p, s in zip(pattern, path, strict=True)):
                return methods
        return {"GET": (self._page, True)} if name in self._pages else None

    def _table(self) -> tuple[Routes, list[tuple[list[str], Methods]]]:
        """Every door that is not a Segment one: path to method to (handler, whether it is public)."""
        table: Routes = {
            "/v1/decide": {"POST": (self.decider.decide, False)},
            "/v1/decisions/*": {"GET": (self.decider.explain, False)},
            "/v1/people/*/moments": {"GET": (self._people.moments, False)},
            "/v1/people/*/export": {"GET": (self._people.export, False)},
            "/v1/people/*": {"DELETE": (self._people.erase, False)},
            "/v1/items": {
                "GET": (self._items.list, False),
                "PUT": (self._items.put, False),
                "PATCH": (self._items.patch, False),
                "DELETE": (self._items.delete, False),
            },
            "/v1/items/*": {
                "GET": (self._items.get, False),
                "PUT": (self._items.put_one, False),
                "PATCH": (self._items.patch_one, False),
                "DELETE": (self._items.delete_one, False),
            },
            "/v1/nearby": {"GET": (self._nearby.nearby, False)},
            "/v1/search": {"GET": (self._search.search, False)},
            "/v1/switch": {"GET": (self._control.switched, False), "PUT": (self._control.switch, False)},
            "/v1/config": {"GET": (self._control.versions, False)},
            "/v1/config/reload": {"POST": (self._control.reload, False)},
            "/v1/config/check": {"POST": (self._control.check, False)},
            "/v1/config/rollback": {"POST": (self._control.rollback, False)},
            "/v1/policies": {"GET": (self._control.policies, False)},
            "/v1/policies/guards": {"GET": (self._control.guards, False)},
            "/v1/policies/compare": {"GET": (self._control.compare_policy, False)},
            "/v1/policies/rollback": {"POST": (self._control.rollback_policy, False)},
            "/v1/policies/warm": {"POST": (self._control.warm_policy, False)},
            "/v1/weights": {"GET": (self._control.weights, False), "PUT": (self._control.teach, False)},
            "/v1/preview": {"POST": (self._control.preview, False)},
            "/v1/deliveries": {"GET": (self._deliveries.list, False)},
            "/v1/deliveries/replay": {"POST": (self._deliveries.replay, False)},
            "/v1/deliveries/outcomes": {"POST": (self._deliveries.outcomes, False)},
            "/v1/deliveries/preview": {"POST": (self._deliveries.preview, False)},
            "/v1/reports": {"GET": (self._insight.reports, False)},
            "/v1/reports/*": {"GET": (self._insight.report, False)},
            "/v1/projects/*/settings": {"GET": (self._settings, True)},
            "/v1/stream": {"GET": (self.streams.listen, False)},
            "/healthz": {"GET": (self._healthz, True)},
            "/readyz": {"GET": (self._readyz, True)},
            "/metrics": {"GET": (self._measure, True)},
            "/openapi.json": {"GET": (self._openapi, True)},
        }
        for others in self._others:
            table |= others.routes()
        if self._assistant is not None:
            table |= self._assistant.routes()
        table |= session_routes(self.sessions) | self._audit.routes() | self._receipts.routes() | script_routes()
        self._audit.watch(table)
        for path in DOORS:
            table[path] = {"POST": (self._unreachable, False)}
        exact = {path: methods for path, methods in table.items() if "*" not in path}
        patterns = [(path.strip("/").split("/"), methods) for path, methods in table.items() if "*" in path]
        self.routes = {path: tuple(sorted(methods)) for path, methods in table.items()}
        return exact, patterns

    async def _unreachable(self, _call: Call, _access: Access) -> Reply:
        """A Segment door asked in an unusual spelling of its path, such as a doubled slash."""
        raise Problem(404, "no_such_door", "an unusual spelling of the path", "/v1/track and the like")

    async def _page(self, call: Call, _access: Access) -> Reply:
        return self._pages.get("/" + "/".join(call.path), call.headers, slash=raw_path(call.scope).endswith("/"))

    async def _settings(self, call: Call, _access: Access) -> Reply:
        if not self.keys.is_write_key(call.path[2]):
            raise Problem(404, "no_such_project", "a write key that is not known", "one of the project's write keys")
        return self._insight.settings(call.path[2], call)

    async def _healthz(self, _call: Call, _access: Access) -> Reply:
        return reply({"status": "alive"})

    async def _readyz(self, _call: Call, _access: Access) -> Reply:
        if self.service.ready and not self.draining:
            if self.service.down.why:
                raise LogDown(self.service.down.why)
            return reply({"status": "ready"})
        state = "draining" if self.draining else "starting"
        raise Problem(503, "not_ready", f"a server that is {state}", "one that is ready", "ask again", retry_after=1)

    async def _measure(self, call: Call, _access: Access) -> Reply:
        """For a scraper on this machine, or one with the secret key."""
        client = call.scope.get("client")
        near = client is not None and client[0] in ("127.0.0.1", "::1") and b"x-forwarded-for" not in call.headers
        access = self.keys.of(call.headers.get(b"authorization")) or self.sessions.access(call)
        if not near and (access is None or not access.whole):
            raise Problem(403, "secret_key_needed", "a scraper from elsewhere", "the secret key", "as a Bearer token")
        return self.metrics.reply()

    async def _openapi(self, _call: Call, _access: Access) -> Reply:
        """Any page may read the contract."""
        return self._contract


def allowed(methods: Iterable[str]) -> str:
    """The value of ``Allow`` (RFC 9110, section 10.2.1): what a path does, with what follows from it."""
    return ", ".join(sorted({*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
