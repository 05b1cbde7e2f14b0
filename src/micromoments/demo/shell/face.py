"""Who an experience is: its name, words and colours; and its pages, made of what is its own and what all share."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import msgspec

from micromoments.demo.fulfil import web

SHARED = Path(__file__).parent / "pages"
"""What the pages of all experiences have in common."""
_TEXTS = "texts/"
_FILLED = ("page.html", "sw.js")


class Face(msgspec.Struct, frozen=True):
    """Who an experience is. ``mark`` is the brand's drawing (an SVG path in 32 by 32), ``light`` and ``dark`` are the
    colours around the page, ``ground`` the one behind it as it starts; ``other`` is the other party's page and script.
    """

    name: str
    title: str
    short: str
    about: str
    mark: str
    light: str
    dark: str
    ground: str
    accent: str
    other: str
    pages: Path

    def served(self) -> web.Pages:
        """The pages, ready to be served: an experience's own files and texts win over the shared ones."""
        return web.Pages(self.files())

    def page(self, name: str) -> str:
        """The file that an address stands for."""
        return {"": "index.html", self.other: f"{self.other}.html"}.get(name, name)

    def files(self) -> dict[str, bytes]:
        """Every file of the app by its name, whole."""
        files = {**found(SHARED), **found(self.pages)}
        shared, own = found(SHARED), found(self.pages)
        for name in (name for name in files if name.startswith(_TEXTS)):
            both = [msgspec.json.decode(folder.get(name, b"{}"), type=dict[str, str]) for folder in (shared, own)]
            files[name] = msgspec.json.encode({**both[0], **both[1]})
        page, worker = (files.pop(name).decode() for name in _FILLED)
        files["index.html"] = self._filled(page, script="app", customer="")
        theirs = "\n".join(line for line in page.split("\n") if "{{customer}}" not in line)
        files[f"{self.other}.html"] = self._filled(theirs, script=self.other)
        files["manifest.webmanifest"] = self._manifest()
        return {**files, "sw.js": self._worker(worker, files)}

    def _worker(self, worker: str, files: dict[str, bytes]) -> bytes:
        """What is kept for when there is no connection, under a name that changes with any of it."""
        theirs = f"{self.other}.js"
        kept = sorted(name for name in files if name.endswith((".css", ".js", ".json", ".svg")) and name != theirs)
        whole = blake2b(b"".join(files[name] for name in [*kept, "index.html"]), digest_size=6).hexdigest()
        return self._filled(worker, digest=whole, files=msgspec.json.encode(["./", *kept]).decode())

    def _filled(self, template: str, **more: str) -> bytes:
        for name, value in {**{k: str(v) for k, v in msgspec.structs.asdict(self).items()}, **more}.items():
            template = template.replace("{{" + name + "}}", value)
        return template.encode()

    def _manifest(self) -> bytes:
        at = f"/{self.name}/"
        icons = [{"src": f"icon-{n}.png", "sizes": f"{n}x{n}", "type": "image/png"} for n in (192, 512)]
        icons.append({**icons[-1], "purpose": "maskable"})
        icons.insert(0, {"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"})
        said = {"id": at, "name": self.title, "short_name": self.short, "description": self.about, "start_url": at}
        said |= {"scope": at, "display": "standalone", "background_color": self.ground, "theme_color": self.accent}
        return msgspec.json.encode({**said, "icons": icons})


def found(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by their names from there."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith("."))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
