"""Reads YAML by libyaml, which is quicker than PyYAML's own parser."""

from pathlib import Path
from typing import Any

import yaml


def parse_yaml(text: str) -> Any:
    """The content of a document; of plain types alone, as `yaml.safe_load`."""
    return yaml.load(text, yaml.CSafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a file."""
    return parse_yaml(path.read_text())
