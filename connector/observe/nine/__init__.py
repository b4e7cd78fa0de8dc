"""Looking at DRBD 9, where /proc/drbd has no states and a resource a connection to each peer."""
