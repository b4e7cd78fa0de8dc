"""Tests of the take-over and the release."""
