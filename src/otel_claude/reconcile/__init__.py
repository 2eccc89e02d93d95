"""What was measured against what Anthropic reports, for one window: rows, differences, and why they may be there.

Reads Prometheus and the Admin API. Needs the extra `organization`.
"""

from otel_claude.reconcile.compare import Against, Comparison, Row, Tolerance, compare
from otel_claude.reconcile.measured import Measured, measure
from otel_claude.reconcile.prometheus import IncompleteDataError, Prometheus
from otel_claude.reconcile.reported import Reported, reported

__all__ = [
    "Against",
    "Comparison",
    "IncompleteDataError",
    "Measured",
    "Prometheus",
    "Reported",
    "Row",
    "Tolerance",
    "compare",
    "measure",
    "reported",
]
