"""The pure loop, whole: ``step`` folds a record into a person, ``decide`` answers, ``apply`` folds a record into the
world.

Nothing here reads a clock, draws a number or touches a store: the same records give the same bytes.
"""
