"""How the exporter is reached: where it listens, by whom it may be asked, and how that is said."""
