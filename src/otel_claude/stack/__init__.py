"""The stack: dashboards, rules and deployment files, generated from the names in `conventions`.

Imports nothing of the rest of the package, and needs nothing installed beside it.
"""

from ..export import TARGETS, ExportError, Options, export

__all__ = ["TARGETS", "ExportError", "Options", "export"]
