"""Measurements; nothing here asserts a threshold."""
