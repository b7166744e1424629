"""What dialects say of a tool's result, and ids for calls that came without one."""

from __future__ import annotations

import hashlib

from llm_router.messages import Text, ToolResult
from llm_router.wire.codec import Unsupported


def result_text(result: ToolResult) -> str:
    """The result as text; an error says so, for dialects that have no flag for it. Raises Unsupported for media."""
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    if len(texts) != len(result.parts):
        raise Unsupported("media in a tool result")
    text = "".join(texts)
    return f"Error: {text}" if result.is_error and not text.lower().startswith("error") else text


def made_call_id(*of: object) -> str:
    """An id for a call that has none: the same for the same reply and place, so that a replay gives it again."""
    digest = hashlib.sha256("\0".join(str(part) for part in of).encode("utf-8", "replace")).hexdigest()
    return f"call_{digest[:20]}"
