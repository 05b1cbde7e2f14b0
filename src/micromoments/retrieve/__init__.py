"""Retrieve: from a need to the right few things: search, nearby, similar, popular, and the catalogue that merges them.

Everything here is in memory, in one process, without clock or chance. What is learned (popularity, what goes with what)
can be encoded and restored; the rest is rebuilt from the items.
"""
