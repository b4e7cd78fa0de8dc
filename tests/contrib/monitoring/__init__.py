"""A real Prometheus and a real node_exporter, for tests that ask what users would ask."""
