"""What otel-claude and its peers cost in time and memory: `make bench`."""
