"""The shop's server; see ``micromoments.demo.shell.command``."""

from __future__ import annotations

from micromoments.demo.shell import command
from micromoments.demo.shop.app import Shop
from micromoments.demo.shop.trade import Trade

if __name__ == "__main__":
    command.run(
        "shop",
        lambda args, store, payments, engine: Shop(Trade(store, payments, speed=args.speed), engine),
        ("speed", float, 1.0, "how many times slower the carrier is; 0: at once"),
    )
