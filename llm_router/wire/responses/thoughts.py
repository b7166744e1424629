"""Reasoning items as signatures, and back.

Nothing is stored with the provider (`store: false`), so an item must be sent back whole: its id, its summary, and what
only the provider can read (`encrypted_content`). An item without the latter is looked for by its id, and not found
(404; openai/openai-agents-python issue 919, 2025), so that it is never sent back.
"""

from __future__ import annotations

from llm_router.messages import Json, JsonObject, Reasoning
from llm_router.wire.reading import as_text


def signature_of(item: JsonObject) -> str | None:
    """The signature of a reasoning item: `id:encrypted_content`; None where it can't be sent back."""
    encrypted = as_text(item.get("encrypted_content"))
    return f"{as_text(item.get('id'))}:{encrypted}" if item.get("type") == "reasoning" and encrypted else None


def is_item(thought: Reasoning) -> bool:
    """Whether a thought is one of these: chat completions of the same provider's sign in another way, with JSON."""
    return ":" in (thought.signature or "") and not (thought.signature or "").startswith("{")


def reasoning_item(thought: Reasoning) -> JsonObject:
    """The item that a signed thought came from. Its summary is one part, however many there were."""
    item_id, _, encrypted = (thought.signature or "").partition(":")
    summary: list[Json] = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    return {"type": "reasoning", "id": item_id, "summary": summary, "encrypted_content": encrypted}
