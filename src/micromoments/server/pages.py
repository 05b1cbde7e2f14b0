"""Static pages: the dashboard and what else is under ``server/pages``, read once, with a strict policy."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from micromoments.server.http import Headers, Reply, unchanged
from micromoments.server.problem import Problem

OURS = Path(__file__).parent / "pages"
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, and nobody may frame us."""
MAX_FILE = 8 * 1024 * 1024
_FALLBACK = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Micromoments</title>
<h1>Micromoments</h1><p>The server is up. What it speaks is in <a href="/openapi.json">/openapi.json</a>.</p></html>"""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


class Page:
    """One file in memory, with its headers made."""

    __slots__ = ("body", "content_type", "etag")

    def __init__(self, path: str, body: bytes) -> None:
        suffix = Path(path).suffix.lower()
        kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
        self.body = body
        self.content_type = kind.encode()
        self.etag = b'"%b"' % blake2b(body, digest_size=12).hexdigest().encode()

    def headers(self, path: str) -> Headers:
        """Pages are checked each time; what carries a version in its name is kept for a year."""
        forever = path.startswith("/assets/") and "." in Path(path).stem
        return [
            (b"etag", self.etag),
            (b"cache-control", b"public, max-age=31536000, immutable" if forever else b"no-cache"),
            (b"content-security-policy", POLICY),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]


class Pages:
    """Files by path. Only what was in the folders at the start is served, so no path can lead out of them.

    Args:
        more: further folders, each under its prefix; they come before ours.
    """

    def __init__(self, more: Sequence[tuple[str, Path]] = ()) -> None:
        self._pages: dict[str, Page] = {"/": Page("index.html", _FALLBACK)}
        for prefix, folder in (("/", OURS), *more):
            self._load(prefix.rstrip("/"), folder)

    def _load(self, prefix: str, folder: Path) -> None:
        if not folder.is_dir():
            return
        for file in sorted(folder.rglob("*")):
            hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
            if not file.is_file() or hidden or file.suffix == ".py" or file.stat().st_size > MAX_FILE:
                continue
            path = f"{prefix}/{file.relative_to(folder).as_posix()}"
            self._pages[path] = page = Page(path, file.read_bytes())
            if file.name == "index.html":
                self._pages[path.removesuffix("index.html").rstrip("/") or "/"] = page

    def __contains__(self, path: str) -> bool:
        return path in self._pages

    def get(self, path: str, headers: dict[bytes, bytes], *, slash: bool) -> Reply:
        """The page of a path; a folder is sent on to its name with a slash, so that its own links work.

        Raises:
            Problem: there is none.
        """
        page = self._pages.get(path)
        if page is None:
            raise Problem(404, "no_such_page", "a path that there isn't", "/ or a door of /openapi.json")
        if not slash and path != "/" and f"{path}/index.html" in self._pages:
            return Reply(308, b"", headers=[(b"location", path.rsplit("/", 1)[-1].encode() + b"/")])
        if unchanged(headers, page.etag):
            return Reply(304, headers=page.headers(path))
        return Reply(200, page.body, page.content_type, page.headers(path))
