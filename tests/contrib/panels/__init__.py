"""Pictures of the dashboards' panels: drawn from the answers of a real Prometheus, not by Grafana.

`python -m tests.contrib.panels FOLDER` draws both dashboards into a folder.
"""
