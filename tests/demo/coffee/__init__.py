"""The coffee chain's app."""
