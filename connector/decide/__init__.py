"""What to do, as pure functions of what was seen: no files, clock, processes or logging here."""
