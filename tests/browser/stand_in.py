"""A stand-in for the server's doors, in their shapes, so that the page can be driven without an engine behind it."""

from __future__ import annotations

import json
import mimetypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from micromoments.server.pages import POLICY
from micromoments.simulate import World

PAGES = Path(__file__).resolve().parents[2] / "src/micromoments/server/pages"

LIFT = {
    "metric": "times",
    "treated": 212,
    "control": 188,
    "treated_mean": 0.62,
    "control_mean": 0.36,
    "difference": 0.26,
    "low": 0.09,
    "high": 0.43,
    "relative": 0.72,
    "relative_low": 0.24,
    "relative_high": 1.31,
    "p": 0.002,
    "alpha": 0.05,
    "variance_kept": 1.0,
    "verdict": "higher",
    "needed": "",
    "method": "asymptotic confidence sequence",
}
GUIDE = {
    "id": "g-fix-a-leaking-tap",
    "kind": "guide",
    "title": "Fix a leaking tap",
    "score": 1.0,
    "propensity": 0.86,
    "reasons": ["helps you do it", "has your words in its title"],
    "attributes": {"minutes": 25, "steps": ["Turn the water off.", "Lift off the cap.", "Swap the washer."]},
}
KIT = {
    "id": "p-tap-repair-kit-with-washers",
    "kind": "product",
    "title": "Tap repair kit with washers",
    "score": 0.9,
    "propensity": 0.81,
    "reasons": ["something to buy now"],
    "attributes": {},
}


def figures() -> list[dict[str, Any]]:
    """Scorecards in the report's shape."""

    def one(name: str, title: str, value: float, unit: str, card: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "title": title,
            "value": value,
            "count": 812,
            "of": 930,
            "unit": unit,
            "card": card,
            **more,
        }

    return [
        one("be_there", "Moments served", 0.87, "share", "be there"),
        one("acted_on", "Served moments acted on", 0.41, "share", "be useful"),
        one("fulfilled", "Served moments fulfilled", 0.33, "share", "be useful"),
        one("useful", "Served moments acted on and fulfilled", 0.29, "share", "be useful"),
        one("event_to_moment", "From event to moment", 4.0, "milliseconds", "be quick", p95=9.0),
        one("moment_to_decision", "From moment to decision", 1000.0, "milliseconds", "be quick", p95=2000.0),
        one("crossed", "Moments that crossed channels", 0.04, "share", "connect the dots"),
        one("goals_preceded", "Goals that a served moment preceded", 0.71, "share", "be there", anchored=True),
        one("goals_per_person", "Goals per active person", 0.49, "per person", "be useful", anchored=True),
        one("to_goal", "From served moment to goal", 96_000.0, "milliseconds", "be quick", p95=2e5, anchored=True),
        one("goals_across", "Goals across channels", 0.12, "share", "connect the dots", anchored=True),
    ]


def moment(id: str, type_: str, words: str, evidence: list[str], now: int) -> dict[str, Any]:
    """A moment in the stream's shape."""
    rest = dict.fromkeys(("know", "go", "do", "buy", "none"), 0.05)
    return {
        "id": id,
        "type": type_,
        "probabilities": {**rest, type_: 0.8},
        "need": {"query": words, "words": words},
        "confidence": 0.8,
        "urgency": 0.5,
        "stage": "discover",
        "evidence": [[text, type_, 1.4, now] for text in evidence],
        "openedAt": now,
        "expiresAt": now + 120_000,
        "channels": ["app"],
    }


def read(query: str) -> dict[str, Any]:
    """What typing these words is answered: enough of a reader for the page's own behaviour."""
    now = int(time.time() * 1000)
    cheap, how = "cheap" in query, "how to" in query
    p = {"know": 0.12, "go": 0.04, "do": 0.3, "buy": 0.08, "none": 0.46}
    if how:
        p = {"know": 0.1, "go": 0.02, "do": 0.78, "buy": 0.06, "none": 0.04}
    if cheap:
        p = {"know": 0.05, "go": 0.03, "do": 0.2, "buy": 0.68, "none": 0.04}
    type_ = max(("know", "go", "do", "buy"), key=p.__getitem__)
    words = [("how", "do"), ("fix", "do"), ("cheap", "buy")]
    telling = [{"word": word, "type": t, "weight": 1.2} for word, t in words if word in query]
    evidence = [{"text": f'types "{query}"', "type": type_, "weight": 1.2, "at": now}]
    shown = {**moment("m-typed", type_, query, [], now), "probabilities": p, "evidence": evidence}
    return {
        "decisionId": f"d-{now}",
        "slot": "search",
        "moment": shown,
        "moments": ["m-typed"],
        "items": [KIT, GUIDE] if cheap else [GUIDE, KIT],
        "propensity": 0.7,
        "policy": {"name": "thompson", "version": 12},
        "configVersion": "c",
        "experiments": [],
        "holdout": False,
        "degraded": [],
        "telling": telling,
    }


class Doors(BaseHTTPRequestHandler):
    """The doors that the page uses."""

    protocol_version = "HTTP/1.1"
    demo = True
    world = World(seed=3, people=60)
    sent: ClassVar[list[dict[str, Any]]] = []
    numbers = count(1)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """A page, a report or a stream."""
        path = self.path.partition("?")[0]
        if path == "/v1/stream":
            return self._stream(self._moments())
        if path == "/demo/live" and self.demo:
            return self._stream(self._people())
        if path == "/demo/town" and self.demo:
            return self._json(town(self.world))
        if path == "/v1/session":
            return self._json({"keyNeeded": False, "signedIn": True, "until": None, "name": ""})
        if path == "/v1/reports/lift":
            return self._json({"rows": [{"slot": "home", "goal": "order", "proof": True, "comparisons": [LIFT]}]})
        if path == "/v1/reports/scorecards":
            return self._json({"figures": figures(), "rows": []})
        if path.startswith("/v1/decisions/"):
            return self._json({"considered": 84, "refused": [{"id": "x", "code": "closed", "detail": ""}]})
        if path.startswith("/v1/people/"):
            return self._json({"moments": [{"id": "m-sent"}]})
        return self._page(path)

    def do_POST(self) -> None:
        """A decision or an event."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        if self.path == "/v1/decide":
            return self._json(read(body.get("context", {}).get("query", "")))
        self.sent.append(body)
        return self._json({"success": True, "rejected": []})

    def _json(self, value: Any) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _page(self, path: str) -> None:
        file = PAGES / ("index.html" if path == "/" else path[1:])
        if not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        if path == "/" and self.demo:
            body = body.replace(b"<body>", b'<body data-demo="1">')
        self._answer(body, mimetypes.guess_type(file.name)[0] or "text/html")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", POLICY.decode())
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, messages: Iterator[tuple[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for kind, data in messages:
                text = f"id: {next(self.numbers)}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
                self.wfile.write(text.encode())
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _people(self) -> Iterator[tuple[str, Any]]:
        yield "truth", {"served": 0.62, "listed": 0.38, "relative": 0.63}
        for n in range(600):
            yield (
                "people",
                [
                    {"id": f"anon:{c.id}", "name": c.name, "x": c.home[0] + 4 * n, "y": c.home[1]}
                    for c in self.world.consumers[:24]
                ],
            )
            time.sleep(1)

    def _moments(self) -> Iterator[tuple[str, Any]]:
        time.sleep(0.3)
        said = ("searched", "stands 80 m from an open store")
        visits = [v for v in self.world.visits(1_700_000_000_000, 6) if v.query][:60]
        for n, visit in enumerate(visits):
            now = int(time.time() * 1000)
            person = f"anon:{self.world.consumers[n % 24].id}"
            shown = moment(f"m{n}", visit.type, visit.query, [f"{said[0]} '{visit.query}'", said[1]], now)
            yield "moment", {"change": "opened", "person": person, "moment": shown, "simulated": True}
            time.sleep(0.05)
            suits = {"know": "article", "go": "place", "do": "guide", "buy": "product"}
            fitting = [i for i in self.world.items if i.kind == suits[visit.type] and i.category == visit.category]
            items = [{"id": i.id, "kind": i.kind, "title": i.title, "reasons": []} for i in fitting[:2]]
            told = {"decisionId": f"d{n}", "slot": "home", "person": person, "momentId": f"m{n}", "items": items}
            yield "decision", {**told, "holdout": n % 4 == 3, "simulated": True}
            if n % 3 == 0:
                yield "delivery", {"decisionId": f"d{n}", "what": "clicked", "goal": "", "simulated": True}
            if n % 5 == 4:
                ended = {**shown, "ended": ("fulfilled", "expired", "abandoned")[n % 3], "endedAt": now}
                yield "moment", {"change": "ended", "person": person, "moment": ended, "simulated": True}
            time.sleep(0.05 if n < 14 else 1.5)
        time.sleep(600)


def town(world: World) -> dict[str, Any]:
    """What the demo says of its town."""
    places = [
        {"id": i.id, "title": i.title, "x": world.positions[i.id][0], "y": world.positions[i.id][1]}
        for i in world.items
        if i.id in world.positions
    ]
    you = world.city.point((-420.0, -120.0))
    return {
        "plan": world.city.plan,
        "places": places,
        "timezone": "UTC",
        "you": {"x": -420, "y": -120, "latitude": you.lat, "longitude": you.lon},
        "forward": {"from": 1_700_000_000_000, "to": 1_701_209_600_000},
    }


@contextmanager
def doors(*, demo: bool) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The stand-in, served; gives its address and the events that it is sent."""
    sent: list[dict[str, Any]] = []
    handler = type("Doors", (Doors,), {"demo": demo, "sent": sent})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
