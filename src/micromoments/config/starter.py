"""The file that a fresh project's folder gets: short, explained, and the same as the defaults but for a holdout."""

from __future__ import annotations

import json

_TEXT = """\
# The settings of this project. Every one has a default, so this file may be emptied or deleted.
# All of them: docs/reference/config.md. `micromoments doctor` checks this file.

name = {name}
timezone = "UTC" # an IANA name, such as "Europe/Berlin": hours and days are counted in it
currency = "USD" # of amounts that name none

# Web origins that may call from a browser, such as "https://shop.example".
origins = []

# Where something is served. 5 % of people get what is popular instead: without them no lift can be proven.
[slots.home]
goal = "order"
holdout = 0.05

# What success is: an event, and the property that carries its worth.
[goals.order]
event = "Order Completed"
value = "revenue"
ends = ["buy"]

# Keys are named here, never written out. Without them only this machine is served.
# [keys]
# write = {{ env = "MICROMOMENTS_WRITE_KEY" }}
# secret = {{ env = "MICROMOMENTS_SECRET_KEY" }}
"""


def starter(name: str) -> str:
    """The text of a fresh project's ``micromoments.toml``.

    Args:
        name: the project's name, any text.

    >>> starter("my-shop").splitlines()[3]
    'name = "my-shop"'
    """
    # A JSON text is a TOML text too, but for DEL, which TOML wants escaped.
    return _TEXT.format(name=json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f"))
