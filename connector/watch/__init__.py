"""Passes when something happens, not only by the minute: what wakes them, and when they begin."""
