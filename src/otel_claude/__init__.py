"""Every call to Claude, visible in the observability stack that you already have.

`opentelemetry-instrument python app.py` needs no code. In code: `ClaudeInstrumentor().instrument()`, and
`with tags(feature="search"):` around calls that should carry a tag.
"""

from .instrumentor import ClaudeInstrumentor
from .tags import tags
from .version import __version__

__all__ = ["ClaudeInstrumentor", "__version__", "tags"]
