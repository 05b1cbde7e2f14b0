"""What to serve, as a distribution: policies behind one protocol, and the features that they see."""

from micromoments.policy.base import FloatArray, Policy
from micromoments.policy.registry import NAMES, decode, known, make

__all__ = ["NAMES", "FloatArray", "Policy", "decode", "known", "make"]
