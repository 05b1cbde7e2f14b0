"""The configuration: one optional ``micromoments.toml``, read whole or refused with file, line, and what was wanted."""

from __future__ import annotations

from micromoments.config.change import silent_changes
from micromoments.config.cluster import Cluster, in_folder, joined, load_cluster, parted, secret_settings
from micromoments.config.edit import with_slot
from micromoments.config.keys import Keys, load_keys, load_secret
from micromoments.config.loader import FILE_NAME, load, parse
from micromoments.config.mistakes import ConfigError, Mistake
from micromoments.config.schema import json_schema
from micromoments.config.starter import starter

__all__ = [
    "FILE_NAME",
    "Cluster",
    "ConfigError",
    "Keys",
    "Mistake",
    "in_folder",
    "joined",
    "json_schema",
    "load",
    "load_cluster",
    "load_keys",
    "load_secret",
    "parse",
    "parted",
    "secret_settings",
    "silent_changes",
    "starter",
    "with_slot",
]
