"""The JSON schema of ``micromoments.toml``, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.config.cluster import Cluster
from micromoments.config.loader import CLUSTER_TABLE, KEYS_TABLE
from micromoments.core.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Builds the schema from the settings' own types, with their docstrings, and the table of keys."""
    whole = msgspec.json.schema(Settings)
    definitions = {name: _tidied(definition) for name, definition in whole["$defs"].items()}
    top = definitions.pop("Settings")
    top["properties"][KEYS_TABLE] = _keys()
    cluster = msgspec.json.schema(Cluster)["$defs"]
    definitions |= {name: _tidied(definition) for name, definition in cluster.items()}
    top["properties"][CLUSTER_TABLE] = {"$ref": "#/$defs/Cluster"}
    schema = {"$schema": DIALECT, **top, "title": "micromoments.toml", "$defs": dict(sorted(definitions.items()))}
    as_json: dict[str, Any] = _ordered(msgspec.json.decode(msgspec.json.encode(schema)))
    return as_json


def _tidied(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition with its description's source indentation taken out."""
    words = " ".join(definition.get("description", "").split())
    return {**definition, "description": words}


def _ordered(part: Any) -> Any:
    """The same schema with its sets in one order: the library gives choices in the order of their hashes."""
    if isinstance(part, dict):
        return {
            key: sorted(map(_ordered, inner), key=repr) if key in {"enum", "anyOf"} else _ordered(inner)
            for key, inner in part.items()
        }
    return [_ordered(inner) for inner in part] if isinstance(part, list) else part


def _keys() -> dict[str, Any]:
    reference = {
        "oneOf": [
            {
                "type": "object",
                "properties": {how: {"type": "string"}},
                "required": [how],
                "additionalProperties": False,
            }
            for how in ("env", "file")
        ]
    }
    one_or_more = {"oneOf": [*reference["oneOf"], {"type": "array", "items": reference}]}
    return {
        "description": "Keys, each named by environment variable or file, never written out.",
        "type": "object",
        "properties": dict.fromkeys(("write", "secret", "token"), one_or_more),
        "additionalProperties": False,
    }
