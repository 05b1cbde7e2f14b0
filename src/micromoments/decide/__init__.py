"""What to serve: who may get what, in which variant, drawn from which distribution, and why."""
