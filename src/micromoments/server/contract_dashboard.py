"""The dashboard's doors in the contract: signing in, the audit log, a decision's receipt."""

from __future__ import annotations

from micromoments.server.contract import Json, answer, content, door, param, ref
from micromoments.server.receipt import Correction
from micromoments.server.sessions import SignIn

SCHEMAS: tuple[type, ...] = (SignIn, Correction)
_SECRET: list[Json] = [{"secretKey": []}]
_PRIVATE: list[Json] = [{"secretKey": []}, {"personToken": []}]
_OBJECT: Json = {"type": "object"}
_ID = param("id", "path", "The decisionId.")


def dashboard_doors() -> Json:
    """Sessions, the audit log, corrections."""
    tag = "dashboard"
    state = {"200": answer("Whether a key is needed, and was shown.", _OBJECT)}
    correct = door("correct", "The moment was wrong.", {"200": answer("Told.", _OBJECT)}, _PRIVATE, tag=tag)
    return {
        "/v1/session": {
            "get": door("session", "Who this page is.", state, [], tag=tag),
            "post": door("signIn", "A session for a secret key.", state, [], body=content(ref(SignIn)), tag=tag),
            "delete": door("signOut", "The session is over.", {"204": answer("Over.")}, [], tag=tag),
        },
        "/v1/audit": {
            "get": door(
                "audit",
                "Every change, and every look at a person.",
                {"200": answer("A page of it, the newest first.", _OBJECT)},
                _SECRET,
                parameters=[
                    param("containing", "query", "Only entries whose words hold this."),
                    param("person", "query", "Only entries about this person's id."),
                    param("limit", "query", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 1000}),
                    param("cursor", "query", "Where the last answer ended."),
                ],
                tag=tag,
            )
        },
        "/v1/decisions/{id}/correct": {
            "post": {
                **correct,
                "parameters": [_ID],
                "requestBody": {"required": False, "content": content(ref(Correction))},
            }
        },
        "/v1/decisions/{id}/stop": {
            "post": door(
                "stop",
                "No more personalisation for the person of a decision.",
                {"200": answer("Stopped.", _OBJECT)},
                _PRIVATE,
                parameters=[_ID],
                tag=tag,
            )
        },
    }
