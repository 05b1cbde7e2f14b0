"""What came of decisions, and what it proves: attribution of outcomes, lift with intervals that may be peeked at."""
