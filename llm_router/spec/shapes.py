"""Values that may be one thing, a list or a mapping, told apart by shape: errors then speak of what is meant."""

from __future__ import annotations

from pydantic import Discriminator, Tag

ONE = "\0one"
LIST = "\0list"
MAPPING = "\0mapping"
NAMES = {ONE: "one value", LIST: "a list", MAPPING: "a mapping"}
"""The tags begin with a character that YAML can't contain, so that no key of a spec is taken for one."""


def shape(value: object) -> str:
    """Whether a plain value is one thing, a list or a mapping."""
    if isinstance(value, (list, tuple)):
        return LIST
    return MAPPING if isinstance(value, dict) else ONE


BY_SHAPE = Discriminator(shape)
AS_ONE = Tag(ONE)
AS_LIST = Tag(LIST)
AS_MAPPING = Tag(MAPPING)
