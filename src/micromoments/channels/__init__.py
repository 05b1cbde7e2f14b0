"""Decisions to the outside: one file a kind of destination, each a ``ports.Channel``."""
