"""The ports on one folder: SQLite for log, state and budgets, Parquet for facts, files for the rest."""
