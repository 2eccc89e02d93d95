"""What was measured against what Anthropic reports, for one window: rows, differences, and why they may be there.

Reads Prometheus and the Admin API. Needs the extra `organization`.
"""
