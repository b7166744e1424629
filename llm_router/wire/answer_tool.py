"""The tool that carries an answer in JSON, for dialects and models without a better way to ask for one."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, JsonFormat, Tool

ANSWER_TOOL = "give_final_answer"
"""Its name; calls of it are read as the answer's text."""


def answer_tool(wanted: JsonFormat) -> Tool:
    """The tool whose arguments are the answer."""
    parameters: Mapping[str, Json] = wanted.schema or {"type": "object", "properties": {}, "additionalProperties": True}
    return Tool(ANSWER_TOOL, "Give the final answer.", parameters, wanted.strict)
