"""Writes the JSON schema of the configuration to the documentation; a test says when it is out of date.

usage: python tools/write_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

from micromoments.config import json_schema

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "micromoments.schema.json"

if __name__ == "__main__":
    PAGE.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.name}")
