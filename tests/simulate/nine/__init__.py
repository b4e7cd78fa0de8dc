"""The simulated DRBD 9 cluster, pinned to captures of real nodes."""
