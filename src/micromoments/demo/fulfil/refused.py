"""What is refused, and why: one exception with a stable code, in the words that a person is shown."""

from __future__ import annotations


class Refused(Exception):
    """Something asked for may not be. ``status`` is the HTTP status that says it best; ``code`` never changes."""

    def __init__(self, code: str, got: str, wanted: str, then: str = "", status: int = 422) -> None:
        super().__init__(f"got {got}; wanted {wanted}" + (f"; {then}" if then else ""))
        self.code, self.got, self.wanted, self.then, self.status = code, got, wanted, then, status
