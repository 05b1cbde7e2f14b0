"""Shipped for tests: laws and contract suites that your own policies, stores and channels can be held to."""
