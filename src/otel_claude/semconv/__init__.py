"""Every name, unit, bucket and description that is emitted, written once.

Code, tests, dashboards, rules and documents take them from here: `from otel_claude import semconv`, then
`semconv.COST`. What agents and the organization emit stands apart, in `agents` and `organization`.
"""

from .attributes import *  # noqa: F403 - one namespace for names of attributes and of metrics
from .metrics import *  # noqa: F403
