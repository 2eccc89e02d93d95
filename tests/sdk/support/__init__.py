"""What the tests of the seams share: what the wire says, a server that says it, and telemetry as plain dicts."""
