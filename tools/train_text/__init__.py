"""Trains the text model that ships in the package: ``python -m tools.train_text``."""
