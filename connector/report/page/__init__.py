"""The exporter's page for a person: one look at this node as HTML, without scripts. Pure."""
