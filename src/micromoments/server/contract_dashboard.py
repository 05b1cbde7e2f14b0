"""The dashboard's doors in the contract: signing in, the audit log, a decision's receipt."""

from __future__ import annotations

from micromoments.server.contract import (
    CURSOR,
    DECISION,
    LIMIT,
    OBJECT,
    PRIVATE,
    PUBLIC,
    SECRET,
    Json,
    answer,
    content,
    door,
    param,
    ref,
)
from micromoments.server.receipt import Correction
from micromoments.server.sessions import SignIn

SCHEMAS: tuple[type, ...] = (SignIn, Correction)


def dashboard_doors() -> Json:
    """Sessions, the audit log, corrections."""
    tag = "dashboard"
    state = {"200": answer("Whether a key is needed, and was shown.", OBJECT)}
    correct = door("correct", "The moment was wrong.", {"200": answer("Told.", OBJECT)}, PRIVATE, tag=tag)
    return {
        "/v1/session": {
            "get": door("session", "Who this page is.", state, PUBLIC, tag=tag),
            "post": door("signIn", "A session for a secret key.", state, PUBLIC, body=content(ref(SignIn)), tag=tag),
            "delete": door("signOut", "The session is over.", {"204": answer("Over.")}, PUBLIC, tag=tag),
        },
        "/v1/audit": {
            "get": door(
                "audit",
                "Every change, and every look at a person.",
                {"200": answer("A page of it, the newest first.", OBJECT)},
                SECRET,
                parameters=[
                    param("containing", "query", "Only entries whose words hold this."),
                    param("person", "query", "Only entries about this person's id."),
                    LIMIT,
                    CURSOR,
                ],
                tag=tag,
            )
        },
        "/v1/decisions/{id}/correct": {
            "post": {
                **correct,
                "parameters": [DECISION],
                "requestBody": {"required": False, "content": content(ref(Correction))},
            }
        },
        "/v1/decisions/{id}/stop": {
            "post": door(
                "stop",
                "No more personalisation for the person of a decision.",
                {"200": answer("Stopped.", OBJECT)},
                PRIVATE,
                parameters=[DECISION],
                tag=tag,
            )
        },
    }
