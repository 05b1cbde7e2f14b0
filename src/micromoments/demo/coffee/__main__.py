"""The coffee chain's server; see ``micromoments.demo.shell.command``."""

from __future__ import annotations

from micromoments.demo.coffee.app import Coffee
from micromoments.demo.coffee.shop import Shop
from micromoments.demo.coffee.town import Town
from micromoments.demo.shell import command

if __name__ == "__main__":
    command.run(
        "coffee", lambda args, store, payments, engine: Coffee(Shop(store, payments, Town(args.timezone)), engine)
    )
