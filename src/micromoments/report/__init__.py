"""Questions asked of the facts: one definition each, over documented tables, in SQL that DuckDB and Postgres read."""
