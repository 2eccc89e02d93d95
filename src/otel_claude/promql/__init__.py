"""Queries in PromQL, and how metrics are named in Prometheus."""
