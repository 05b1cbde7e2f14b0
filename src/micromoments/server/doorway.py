"""Connections handed from a front to the engine's process: the socket itself, and the bytes that were read from it.

A front answers the Segment doors. A connection that asks for anything else goes to the engine whole, so that every
other door is served in one place, and no request passes through two processes. The sockets travel over a pair of Unix
sockets (``SCM_RIGHTS``, unix(7)); each comes with a frame of the bytes read so far.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable

HEAD = 4
PIECE = 64 * 1024
MOST = 16
"""Sockets received in one go."""


class Doorway:
    """The front's end: ``pass_on`` never blocks."""

    def __init__(self, end: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        end.setblocking(False)
        self._end = end
        self._loop = loop
        self._waiting: deque[tuple[socket.socket | None, bytes]] = deque()

    def pass_on(self, connection: socket.socket, data: bytes) -> None:
        """Hand a connection over with what was read from it; ours is closed once it is on its way."""
        self._waiting.append((connection, len(data).to_bytes(HEAD, "big") + data))
        if len(self._waiting) == 1:
            self._push()

    def _push(self) -> None:
        while self._waiting:
            connection, data = self._waiting[0]
            try:
                if connection is None:
                    done = self._end.send(data[:PIECE])
                else:
                    done = socket.send_fds(self._end, [data[:PIECE]], [connection.fileno()])
                    connection.close()
            except BlockingIOError:
                self._loop.add_writer(self._end, self._push)
                return
            except OSError:  # the engine's process is gone, and so is this one in a moment
                self._waiting.clear()
                break
            if done < len(data):
                self._waiting[0] = (None, data[done:])
            else:
                self._waiting.popleft()
        self._loop.remove_writer(self._end)

    def close(self) -> None:
        """Hand over no more."""
        self._loop.remove_writer(self._end)
        self._end.close()


class Reception:
    """The engine's end: ``adopt`` is called with each connection and its first bytes."""

    def __init__(
        self, end: socket.socket, loop: asyncio.AbstractEventLoop, adopt: Callable[[int, bytes], None]
    ) -> None:
        end.setblocking(False)
        self._end = end
        self._loop = loop
        self._adopt = adopt
        self._rest = bytearray()
        self._sockets: deque[int] = deque()
        loop.add_reader(end, self._pull)

    def _pull(self) -> None:
        try:
            data, sockets, _, _ = socket.recv_fds(self._end, PIECE, MOST)
        except BlockingIOError:
            return
        except OSError:
            data, sockets = b"", []
        self._sockets.extend(sockets)
        if not data:
            self.close()
            return
        rest = self._rest
        rest += data
        while len(rest) >= HEAD and len(rest) >= (end := HEAD + int.from_bytes(rest[:HEAD], "big")):
            first = bytes(rest[HEAD:end])
            del rest[:end]
            self._adopt(self._sockets.popleft(), first)

    def close(self) -> None:
        """Take no more; harmless when repeated."""
        if self._end.fileno() >= 0:
            self._loop.remove_reader(self._end)
            self._end.close()
        for one in self._sockets:
            socket.socket(fileno=one).close()
        self._sockets.clear()
