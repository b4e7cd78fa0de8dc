"""Tests of the simulated pair."""
