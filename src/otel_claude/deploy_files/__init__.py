"""Files for Collector, compose, Kubernetes, systemd and Terraform that `otel-claude export` writes."""
