"""The next item of a session: neighbours, transitions and learned vectors find it, a learned blend ranks it."""
