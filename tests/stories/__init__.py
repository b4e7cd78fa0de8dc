"""Stories of a pair, told once and played on real DRBD and on the simulated pair."""
