"""Grafana dashboards as code: a file for each group of panels."""
