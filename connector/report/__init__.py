"""One value, rendered for people, for programs and for Prometheus."""
