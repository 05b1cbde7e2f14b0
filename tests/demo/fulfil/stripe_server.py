"""A local server that behaves as Stripe's API does, as far as the adapter uses it: stateful, idempotent, with Stripe's
own error objects. It remembers what it was asked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

DECLINED = {
    "pm_card_chargeDeclined": "card_declined",
    "pm_card_chargeDeclinedInsufficientFunds": "card_declined",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
}


class Wrong(Exception):
    """A refusal with Stripe's type and code."""

    def __init__(self, status: int, type_: str, code: str, message: str = "") -> None:
        self.status, self.body = status, {"error": {"type": type_, "code": code, "message": message or code}}


class Books:
    """What the server holds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.known: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.lose_next = False

    def held(self) -> int:
        """What was captured, less refunds."""
        taken = sum(intent["amount_received"] for intent in self.intents.values())
        return int(taken - sum(refund["amount"] for refund in self.refunds.values()))

    def once(self, path: str, form: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        """An answer, the same for the same key."""
        request = path + json.dumps(form, sort_keys=True)
        with self.lock:
            self.asked.append((path, form, key))
            if key and key in self.known:
                before, status, body = self.known[key]
                if before != request:
                    return 400, Wrong(400, "idempotency_error", "").body
                return status, body
            try:
                status, body = 200, self._do(path, form)
            except Wrong as wrong:
                status, body = wrong.status, wrong.body
            if key:
                self.known[key] = (request, status, body)
            return status, body

    def _do(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        match path.strip("/").split("/"):
            case ["v1", "payment_intents"]:
                return self._create(form)
            case ["v1", "payment_intents", id, "capture"]:
                return self._capture(self._intent(id), int(form["amount_to_capture"]))
            case ["v1", "payment_intents", id, "cancel"]:
                return self._moved(self._intent(id), "requires_capture", status="canceled")
            case ["v1", "refunds"]:
                return self._refund(self._intent(form["payment_intent"]), int(form["amount"]))
        raise Wrong(404, "invalid_request_error", "resource_missing", path)

    def _create(self, form: dict[str, str]) -> dict[str, Any]:
        method, amount = form["payment_method"], int(form["amount"])
        if amount < 1:
            raise Wrong(400, "invalid_request_error", "parameter_invalid_integer")
        if method in DECLINED:
            raise Wrong(402, "card_error", DECLINED[method], "Your card was declined.")
        if method != "pm_card_visa":
            raise Wrong(400, "invalid_request_error", "resource_missing", f"No such PaymentMethod: {method}")
        automatic = form["capture_method"] == "automatic"
        made: dict[str, Any] = {
            "id": f"pi_{len(self.intents) + 1}",
            "object": "payment_intent",
            "amount": amount,
            "amount_received": amount if automatic else 0,
            "currency": form["currency"],
            "status": "succeeded" if automatic else "requires_capture",
        }
        self.intents[made["id"]] = made
        return dict(made)

    def _intent(self, id: str) -> dict[str, Any]:
        if id not in self.intents:
            raise Wrong(404, "invalid_request_error", "resource_missing")
        return self.intents[id]

    def _moved(self, intent: dict[str, Any], wanted: str, **fields: Any) -> dict[str, Any]:
        if intent["status"] != wanted:
            raise Wrong(400, "invalid_request_error", "payment_intent_unexpected_state")
        intent.update(fields)
        return dict(intent)

    def _capture(self, intent: dict[str, Any], amount: int) -> dict[str, Any]:
        if amount > intent["amount"]:
            raise Wrong(400, "invalid_request_error", "amount_too_large")
        return self._moved(intent, "requires_capture", status="succeeded", amount_received=amount)

    def _refund(self, intent: dict[str, Any], amount: int) -> dict[str, Any]:
        back = sum(r["amount"] for r in self.refunds.values() if r["payment_intent"] == intent["id"])
        if amount > intent["amount_received"] - back:
            raise Wrong(400, "invalid_request_error", "charge_already_refunded")
        made = {"id": f"re_{len(self.refunds) + 1}", "object": "refund", "amount": amount, "status": "succeeded"}
        self.refunds[str(made["id"])] = {**made, "payment_intent": intent["id"]}
        return made


@contextmanager
def stripe_server() -> Iterator[tuple[str, Books]]:
    """The server on a free port: its address, and its books."""
    books = Books()

    class Doors(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            """One call of the API."""
            body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
            form = {name: values[-1] for name, values in parse_qs(body).items()}
            if not self.headers["authorization"].startswith("Bearer sk_test_"):
                status, said = 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}
            else:
                status, said = books.once(self.path, form, self.headers["idempotency-key"] or "")
            if books.lose_next:
                books.lose_next = False
                self.close_connection = True
                return
            sent = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Doors)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", books
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
