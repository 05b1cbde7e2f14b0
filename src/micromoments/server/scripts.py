"""``GET /sdk.js``: the browser SDK, built from ``clients/web`` and shipped in the package (decision 0031)."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from micromoments.server.contract import Json, answer, door
from micromoments.server.cors import ANYONE
from micromoments.server.foreign import Routes
from micromoments.server.http import Call, Headers, Reply, unchanged
from micromoments.server.keys import Access

BUILT = Path(__file__).parent / "scripts"
NAMES = {"sdk": "The browser SDK.", "preferences": "A person's choices, as an element for any page."}
"""The scripts by name, with what each is."""
_CACHE = b"public, max-age=3600, stale-while-revalidate=86400"
"""An hour, so that a release is everywhere soon; then a browser asks by the ETag, and meanwhile uses what it has."""


class Script:
    """One script in memory. Public: a page of any origin may run it, with ``crossorigin`` and ``integrity`` too."""

    def __init__(self, name: str) -> None:
        self._body = (BUILT / f"{name}.js").read_bytes()
        etag = b'"%b"' % blake2b(self._body, digest_size=12).hexdigest().encode()
        self._etag = etag
        self._headers: Headers = [
            (b"etag", etag),
            (b"cache-control", _CACHE),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            ANYONE,
        ]

    async def get(self, call: Call, _access: Access) -> Reply:
        """The script, or 304 where the browser has it."""
        if unchanged(call.headers, self._etag):
            return Reply(304, headers=self._headers)
        return Reply(200, self._body, b"text/javascript; charset=utf-8", self._headers)


def routes() -> Routes:
    """The scripts' doors; they need no key."""
    return {f"/{name}.js": {"GET": (Script(name).get, True)} for name in NAMES}


def script_doors() -> Json:
    """The scripts in the contract."""
    body = {"200": answer("JavaScript.", {"type": "string"}, "text/javascript")}
    return {f"/{name}.js": {"get": door(name, words, body, [], tag="browser")} for name, words in NAMES.items()}
