"""What the tests of the patches share: what the API sends, a server that sends it, and telemetry as plain dicts."""
