"""What was measured against what Anthropic reports, for one window: rows, differences, and why they may be there.

Reads Prometheus and the Admin API. Needs the extra `organization`.
"""

from .compare import Against, Comparison, Row, Tolerance, by_key_and_model, compare
from .measured import Measured, measure
from .prometheus import IncompleteDataError, Prometheus
from .reported import Reported, reported

__all__ = [
    "Against",
    "Comparison",
    "IncompleteDataError",
    "Measured",
    "Prometheus",
    "Reported",
    "Row",
    "Tolerance",
    "by_key_and_model",
    "compare",
    "measure",
    "reported",
]
