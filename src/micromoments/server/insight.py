"""Reports over the facts, and the settings that browser SDKs ask for."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from micromoments.core.event import Millis
from micromoments.server.cors import ANYONE
from micromoments.server.http import Call, Headers, Reply, reply
from micromoments.server.keys import Access, require_whole
from micromoments.server.problem import Problem, not_taken, shown
from micromoments.server.service import Service

MAX_PARAM = 256


class Insight:
    """The doors under ``/v1/reports``, and ``/v1/projects/{key}/settings``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def reports(self, _call: Call, access: Access) -> Reply:
        """Which reports there are."""
        require_whole(access)
        titles = await asyncio.to_thread(_reports)
        return reply({"reports": [{"name": n, "title": t} for n, t in titles.items()], "cursor": None})

    async def report(self, call: Call, access: Access) -> Reply:
        """One report; ``from`` and ``to`` are half-open."""
        require_whole(access)
        name, params = call.path[2], parameters(call.query, self._service.settings.timezone)
        titles = await asyncio.to_thread(_reports)
        if name not in titles:
            raise Problem(404, "no_such_report", f"report {shown(name)}", f"one of {', '.join(sorted(titles))}")
        try:
            result = await self._service.report(name, params)
        except ValueError as error:
            raise not_taken("bad_report", str(error)[:400], "other parameters") from None
        return Reply(200, msgspec.json.encode(result), headers=[(b"cache-control", b"no-store")])

    def settings(self, key: str, call: Call) -> Reply:
        """What analytics.js 2 needs to start: one destination, which is us. Public, like the key in its path."""
        host = call.headers.get(b"host", b"").decode("latin-1")
        api_host = f"{host}/v1" if host else "/v1"
        segment_io: dict[str, Any] = {
            "apiKey": key,
            "apiHost": api_host,
            "protocol": "https" if _is_secure(call) else "http",
            "unbundledIntegrations": [],
            "addBundledMetadata": True,
            "maybeBundledConfigIds": {},
            "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
        }
        headers: Headers = [(b"cache-control", b"public, max-age=300")]
        if not self._service.settings.origins:
            # Without configured origins this one answer still is for every page: it holds nothing but the public key.
            headers.append(ANYONE)
        elif b"origin" not in call.headers:
            # A cache must not give what it kept of this to a page, whose answer has other headers.
            headers.append((b"vary", b"origin"))
        body = msgspec.json.encode(
            {
                "integrations": {"Segment.io": segment_io},
                "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
                "edgeFunction": {},
                "analyticsNextEnabled": True,
                "middlewareSettings": {"routingRules": []},
                "enabledMiddleware": {},
                "metrics": {"sampleRate": 0},
                "legacyVideoPluginsEnabled": False,
                "remotePlugins": [],
            }
        )
        return Reply(200, body, headers=headers)


def _is_secure(call: Call) -> bool:
    """Whether a page must send by https: it is one itself, or a proxy or this server speaks https."""
    forwarded, origin = call.headers.get(b"x-forwarded-proto", b""), call.headers.get(b"origin", b"")
    return call.scope.get("scheme") == "https" or forwarded == b"https" or origin.startswith(b"https:")


def _reports() -> dict[str, str]:
    """The reports by name, with their titles; in a thread, as the first call loads them, which takes 40 ms."""
    from micromoments.report.reports import REPORTS

    return {report.name: report.title for report in REPORTS.values()}


def parameters(query: dict[str, str], timezone: str) -> dict[str, str]:
    """A report's parameters, with ``from`` and ``to`` in milliseconds and ``tz`` checked.

    Raises:
        Problem: an instant or a zone that there isn't.
    """
    params = dict(query)
    zone = _zone(params.get("tz", timezone))
    for name in ("from", "to"):
        if name in params:
            params[name] = str(_instant(name, params[name], zone))
    if "from" in params and "to" in params and int(params["from"]) >= int(params["to"]):
        raise Problem(400, "bad_range", "from at or after to", "from before to; to itself is not counted", "")
    for name, value in params.items():
        if len(value) > MAX_PARAM:
            raise Problem(400, f"bad_{name[:20]}", f"{len(value)} characters", f"at most {MAX_PARAM}", "")
    return params


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Problem(400, "bad_tz", f"tz={shown(name)}", "an IANA name such as Europe/Berlin", "") from None


def _instant(name: str, text: str, zone: ZoneInfo) -> Millis:
    """RFC 3339, a date (its midnight in the zone), or milliseconds."""
    try:
        at = _millis(text, zone)
        if at >= 0:
            return at
    except (ValueError, OverflowError):
        pass
    wanted = "RFC 3339 such as 2026-11-23T00:00:00Z, or a date"
    raise Problem(400, f"bad_{name}", f"{name}={shown(text)}", wanted, "")


def _millis(text: str, zone: ZoneInfo) -> Millis:
    if text.isascii() and text.isdecimal() and 10 < len(text) < 16:
        return int(text)
    if len(text) == 10:
        return int(datetime.combine(date.fromisoformat(text), time(), zone).timestamp() * 1000)
    said = text.upper()
    # A plus sign that was sent unencoded arrives as a space.
    moment = datetime.fromisoformat(said.replace(" ", "+") if "T" in said else said)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp() * 1000)
