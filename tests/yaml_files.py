"""YAML as data. PyYAML reads it with libyaml where it has that: without, it takes ten times as long."""

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text):
    """The one document of a text."""
    return yaml.load(text, LOADER)


def load_all(text):
    """All documents of a text."""
    return list(yaml.load_all(text, LOADER))
