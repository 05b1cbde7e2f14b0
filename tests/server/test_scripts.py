"""The scripts for browsers: for everybody, cached, and not sent twice."""

from __future__ import annotations

import pytest

from micromoments.server.scripts import NAMES
from tests.server.asgi import Client


@pytest.mark.parametrize("name", NAMES)
async def test_a_script_is_cached(anyone: Client, name: str) -> None:
    """It comes without a key, as JavaScript, with a time to keep it and a tag; who has it is told so."""
    script = await anyone("GET", f"/{name}.js")
    assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert script.headers["cache-control"].startswith("public, max-age=3600")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert len(script.body) > 1000
    for tag in (script.headers["etag"], f'W/"other", {script.headers["etag"]}'):
        again = await anyone("GET", f"/{name}.js", headers=[("if-none-match", tag)])
        assert (again.status, again.body) == (304, b"")
    assert (await anyone("POST", f"/{name}.js")).status == 405
