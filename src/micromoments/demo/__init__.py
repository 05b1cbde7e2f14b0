"""A simulated town before a real server: the first thing that a stranger sees. Public names and HTTP doors only."""

from micromoments.demo.app import PEOPLE, Demo
from micromoments.demo.experiences import NAMES, existing

__all__ = ["NAMES", "PEOPLE", "Demo", "existing"]
