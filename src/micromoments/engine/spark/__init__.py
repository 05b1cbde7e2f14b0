"""The engine on Spark: a log folded again, weights trained, reports over the facts."""
