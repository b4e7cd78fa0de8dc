"""What is wrong: pure functions from the surroundings to findings. Nothing is read here."""
