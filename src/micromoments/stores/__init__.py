"""Adapters of the ports: ``embedded`` (one folder, one process). The same file names in every family."""
