"""Doors out."""
