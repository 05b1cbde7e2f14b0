"""The only place where effects happen: loads, calls the pure loop, commits, acknowledges."""
