"""Arbitrary bytes for everything that reads text from outside; see docs/fuzzing.md."""
