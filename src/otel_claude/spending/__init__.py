"""Spending: what was spent in a period, and why it differs from another, from the counters that a store keeps."""
