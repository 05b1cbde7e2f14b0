"""Signals to moments: words, behaviour, place and time, folded into what a person wants now, and why we think so."""
