"""Mappings of public data sets, as TOML: the names of their columns, none of their data."""
