"""Schedules drawn from a seed, played on the simulated pair by the production code, and checked."""
