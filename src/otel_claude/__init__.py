"""Every call to Claude, visible in the observability stack that you already have."""

__version__ = "0.1.0"
