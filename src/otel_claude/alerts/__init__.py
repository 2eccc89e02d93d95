"""Alerting and recording rules as code, and the budgets and thresholds that they compare with."""
