"""The nouns of Micromoments and what they share: frozen, pure, free of I/O, clocks and chance.

Everything else imports from here; this package imports nothing of ours.
Instants are ``int`` milliseconds since the Unix epoch, UTC (``Millis``). Distances are metres, speeds metres a second,
money is whole minor units with an ISO 4217 code, probabilities lie in [0, 1].
"""
