"""Ports on loopback for tests that start servers."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
