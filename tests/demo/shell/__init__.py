"""Tests of what the experiences share around what each does."""
