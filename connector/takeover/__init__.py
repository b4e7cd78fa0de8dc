"""Making a node active or passive: what a cluster manager calls."""
