"""Tests of the command line: the real commands, in folders of their own."""
