"""How an answer in JSON is asked for, by what the model has and the request leaves open.

By its schema (`output_config.format`), where the model decodes by schemas and this one can be said to it; else by a
tool that must be called and whose arguments are the answer (`decode` gives them as text); else by words in the system
prompt. So it is also for JSON of any shape, which the API has no word for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from llm_router.messages import ChatRequest, JsonObject, Tool
from llm_router.wire.anthropic.quirks import Quirks
from llm_router.wire.anthropic.schemas import fitted
from llm_router.wire.json_answers import answer_tool, in_words


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What a request says of its answer's form: at most one of these."""

    format: JsonObject | None = None
    tool: Tool | None = None
    instruction: str | None = None


def answer_form(request: ChatRequest, quirks: Quirks, *, prefilled: bool, forcible: bool) -> AnswerForm:
    """How this answer is asked for.

    `prefilled`: its beginning is given, which a schema excludes. `forcible`: a tool call may be made a must.
    """
    wanted = request.response_format
    if wanted is None:
        return AnswerForm()
    if wanted.schema is None:
        return AnswerForm(instruction=in_words(wanted))
    schema = fitted(wanted.schema) if quirks.json == "schema" and not prefilled else None
    if schema is not None:
        return AnswerForm({"type": "json_schema", "schema": schema})
    if forcible and not prefilled and quirks.json != "object" and wanted.schema.get("type") == "object":
        return AnswerForm(tool=replace(answer_tool(wanted), strict=None))
    return AnswerForm(instruction=in_words(wanted))
