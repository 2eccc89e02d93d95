"""What is emitted for a call: spans, histograms, counters, gauges. Knows OpenTelemetry and no client library."""
