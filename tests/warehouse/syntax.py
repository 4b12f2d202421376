"""How to read GoogleSQL's parse trees, whose nodes have their parents' fields in `parent`."""

from collections.abc import Iterable
from typing import Any


def unwrap(node: Any) -> Any:
    """The node itself, out of the union types that wrap it."""
    while type(node).__name__.startswith("AnyAST"):
        node = getattr(node, node.WhichOneof("node"))
    return node


def get_field(node: Any, name: str) -> Any:
    """A field of a node or of its parent types, which are fields named `parent`."""
    node = unwrap(node)
    while name not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return getattr(node, name)


def has_field(node: Any, name: str) -> bool:
    """Whether a node has a part that may be absent."""
    node = unwrap(node)
    while name not in node.DESCRIPTOR.fields_by_name:
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return False
        node = unwrap(node.parent)
    return bool(node.HasField(name))


def dotted_name(names: Iterable[Any]) -> str:
    """A path as one name."""
    return ".".join(name.id_string for name in names)
