"""Artifacts as files named by their SHA-256 digest."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from micromoments.ports import Corrupt
from micromoments.stores.embedded.files import whole

_PREFIX = "sha256:"


class FileArtifacts:
    """``ports.Artifacts`` in one folder."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, body: bytes) -> str:
        """Keep the bytes durably; give their digest, ``sha256:<hex>``. Repeating it is harmless."""
        name = sha256(body).hexdigest()
        path = self._folder / name
        if not path.exists():
            with whole(path) as partial:
                partial.write_bytes(body)
        return _PREFIX + name

    def get(self, digest: str) -> bytes:
        """The bytes.

        Raises:
            KeyError: nothing has that digest.
            Corrupt: the file fails its digest.
        """
        name = digest.removeprefix(_PREFIX)
        if not digest.startswith(_PREFIX) or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise KeyError(digest)
        try:
            body = (self._folder / name).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None
        if sha256(body).hexdigest() != name:
            raise Corrupt(
                f"artifact {digest} fails its digest; wanted the bytes as kept; put it again or restore a backup"
            )
        return body

    def close(self) -> None:
        """Nothing is open."""
