"""What ``ports.Policies`` and ``ports.Artifacts`` promise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from micromoments.ports import Artifacts, Policies
from micromoments.testing.contracts.base import close, raised


class PoliciesContract:
    """The newest committed state, and kept versions."""

    def open(self, folder: Path) -> Policies:
        """The policies of a folder, new or as they were left."""
        raise NotImplementedError

    def commit(self, folder: Path, policies: Mapping[str, bytes | None]) -> None:
        """Commit policies' states, in one commit of the folder's state."""
        raise NotImplementedError

    def test_the_newest_state_is_loaded(self, tmp_path: Path) -> None:
        """Each policy's last committed bytes are loaded, after reopening too."""
        policies = self.open(tmp_path)
        assert dict(policies.load()) == {}
        self.commit(tmp_path, {"a": b"\x00one", "b": b""})
        self.commit(tmp_path, {"a": b"two"})
        close(policies)
        policies = self.open(tmp_path)
        assert dict(policies.load()) == {"a": b"two", "b": b""}
        close(policies)

    def test_what_is_let_go_of_is_gone(self, tmp_path: Path) -> None:
        """A policy that a commit lets go of isn't loaded any more, one that never was is no error, and kept versions go
        when they are forgotten, those alone.
        """
        policies = self.open(tmp_path)
        self.commit(tmp_path, {"a": b"one", "b": b"two"})
        self.commit(tmp_path, {"a": None, "c": b"three", "never": None})
        policies.keep("a", 1, b"one")
        policies.keep("ab", 1, b"other")
        policies.forget("a")
        policies.forget("never")
        close(policies)
        policies = self.open(tmp_path)
        assert dict(policies.load()) == {"b": b"two", "c": b"three"}
        assert (list(policies.versions("a")), list(policies.versions("ab"))) == ([], [1])
        assert policies.version("a", 1) is None
        close(policies)

    def test_versions_are_kept(self, tmp_path: Path) -> None:
        """Kept versions are listed oldest first and read by number; the unknown is None."""
        policies = self.open(tmp_path)
        for version in (30, 4, 200):
            policies.keep("a", version, f"v{version}".encode())
        policies.keep("ab", 5, b"other")
        close(policies)
        policies = self.open(tmp_path)
        assert (list(policies.versions("a")), list(policies.versions("none"))) == ([4, 30, 200], [])
        assert (policies.version("a", 30), policies.version("a", 31)) == (b"v30", None)
        assert dict(policies.load()) == {}
        close(policies)


class ArtifactsContract:
    """Bytes by their digest."""

    def open(self, folder: Path) -> Artifacts:
        """The artifacts of a folder, new or as they were left."""
        raise NotImplementedError

    def test_bytes_come_back_by_digest(self, tmp_path: Path) -> None:
        """What was put is found by its SHA-256 digest, put twice or once, after reopening too."""
        artifacts = self.open(tmp_path)
        digest = artifacts.put(b"hello")
        assert digest == "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        assert artifacts.put(b"hello") == digest
        close(artifacts)
        assert self.open(tmp_path).get(digest) == b"hello"

    def test_the_unknown_is_said(self, tmp_path: Path) -> None:
        """An unknown digest, or what is no digest at all, is a KeyError."""
        artifacts = self.open(tmp_path)
        for digest in ("sha256:" + "0" * 64, "sha256:../lock", "md5:1", ""):
            raised(KeyError, lambda digest=digest: artifacts.get(digest))
        close(artifacts)
