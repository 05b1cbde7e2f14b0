"""A simulated town before a real server: the first thing that a stranger sees. Public names and HTTP doors only."""

from micromoments.demo.app import PEOPLE, Demo

__all__ = ["PEOPLE", "Demo"]
