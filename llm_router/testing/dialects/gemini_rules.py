"""What Google's generateContent accepts.

Field names are taken in camel case and in snake case, as Protocol Buffers do. Wording follows recorded errors of
generativelanguage.googleapis.com; the rules about turns, signatures and thinking are those of its documentation.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from llm_router.messages import Json, JsonObject
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.question import Problem
from llm_router.testing.shapes import Anything, Array, Either, Flag, Misfit, Number, Object, Shape, String

_INTEGER = Number(integer=True)
_OPEN = Object(open=True)
_WORD = Either((String(), _INTEGER))  # words of a closed set may come as their numbers
_BLOB = Object({"mimeType": String(short=1), "data": String(), "displayName": String()}, ("mimeType", "data"))
_FILE = Object({"mimeType": String(), "fileUri": String(short=1), "displayName": String()}, ("fileUri",))
_CALL = Object({"id": String(), "name": String(short=1), "args": _OPEN}, ("name",))
_RESULT = Object(
    {
        "id": String(),
        "name": String(short=1),
        "response": _OPEN,
        "parts": Array(Object({"inlineData": _BLOB, "fileData": _FILE})),
        "willContinue": Flag(),
        "scheduling": String(),
    },
    ("name", "response"),
)
_DATA = {
    "text": String(),
    "inlineData": _BLOB,
    "fileData": _FILE,
    "functionCall": _CALL,
    "functionResponse": _RESULT,
    "executableCode": _OPEN,
    "codeExecutionResult": _OPEN,
}
_PART = Object(
    {**_DATA, "thought": Flag(), "thoughtSignature": String(), "videoMetadata": _OPEN, "mediaResolution": _OPEN}
)
_CONTENT = Object({"role": String(), "parts": Array(_PART)})
_FUNCTION = Object(
    {
        "name": String(),
        "description": String(),
        "behavior": String(("BLOCKING", "NON_BLOCKING")),
        "parameters": _OPEN,
        "parametersJsonSchema": _OPEN,
        "response": _OPEN,
        "responseJsonSchema": _OPEN,
    },
    ("name",),
)
_TOOL = Object(
    {
        "functionDeclarations": Array(_FUNCTION),
        **dict.fromkeys(("googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "fileSearch"), _OPEN),
        **dict.fromkeys(("googleMaps", "computerUse", "mcpServers"), Anything()),
    }
)
_THINKING = Object(
    {
        "includeThoughts": Flag(),
        "thinkingBudget": Number(-1, 32768, integer=True),
        "thinkingLevel": String(("minimal", "low", "medium", "high", "MINIMAL", "LOW", "MEDIUM", "HIGH")),
    }
)
_CONFIG = Object(
    {
        "candidateCount": Number(1, 8, integer=True),
        "stopSequences": Array(String(), long=5),
        "maxOutputTokens": Number(1, integer=True),
        "temperature": Number(0, 2),
        "topP": Number(0, 1),
        "topK": _INTEGER,
        "seed": _INTEGER,
        "presencePenalty": Number(-2, 2),
        "frequencyPenalty": Number(-2, 2),
        "responseLogprobs": Flag(),
        "logprobs": Number(0, 20, integer=True),
        "responseMimeType": String(("text/plain", "application/json", "text/x.enum")),
        "responseSchema": _OPEN,
        "responseJsonSchema": Either((_OPEN, Flag())),
        "responseModalities": Array(String(("TEXT", "IMAGE", "AUDIO"))),
        "thinkingConfig": _THINKING,
        **dict.fromkeys(("speechConfig", "imageConfig"), _OPEN),
        "mediaResolution": String(),
        "enableEnhancedCivicAnswers": Flag(),
    }
)
_CALLING = Object(
    {"mode": String(("AUTO", "ANY", "NONE", "VALIDATED")), "allowedFunctionNames": Array(String())},
)
FIELDS: Mapping[str, Shape] = {
    "model": String(),
    "contents": Array(_CONTENT),
    "systemInstruction": _CONTENT,
    "tools": Array(_TOOL),
    "toolConfig": Object({"functionCallingConfig": _CALLING, "retrievalConfig": _OPEN}),
    "safetySettings": Array(Object({"category": _WORD, "threshold": _WORD}, ("category", "threshold"))),
    "generationConfig": _CONFIG,
    "cachedContent": String(),
    "serviceTier": String(),
    "store": Flag(),
}
_AS_THEY_STAND = frozenset(
    ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema")
)
"""Fields whose content isn't the API's own."""
_SCHEMA_WORDS = frozenset(
    (
        *("type", "format", "title", "description", "nullable", "enum", "default", "example", "anyOf", "pattern"),
        *("items", "minItems", "maxItems", "properties", "required", "minProperties", "maxProperties"),
        *("minimum", "maximum", "minLength", "maxLength", "propertyOrdering", "additionalProperties"),
    )
)
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_TYPES = {"a string": "TYPE_STRING", "a boolean": "TYPE_BOOL", "an integer": "TYPE_INT32", "a decimal": "TYPE_FLOAT"}


def body_shape(also: frozenset[str]) -> Object:
    """What a body in camel case must look like."""
    return Object({**dict.fromkeys(also, Anything()), **FIELDS})


def camel(value: Json) -> Json:
    """The value with all names of the API's own in camel case."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    named = {_camel(key): below for key, below in value.items()}
    if isinstance(named.get("parts"), Mapping):  # one part as a list of one
        named["parts"] = [named["parts"]]
    return {key: below if key in _AS_THEY_STAND else camel(below) for key, below in named.items()}


def misfit_problem(misfit: Misfit) -> Problem:
    """A misfit in Google's words."""
    path = _snake(misfit.path)
    place, _, name = path.rpartition(".")
    at = f" at '{place}'" if place else ""
    words = {
        "unknown": f'Invalid JSON payload received. Unknown name "{name or path}"{at}: Cannot find field.',
        "type": f"Invalid value at '{path}' ({_TYPES.get(misfit.expected, 'TYPE_MESSAGE')}), {misfit.got}",
        "value": f"Invalid value at '{path}' (TYPE_ENUM), \"{misfit.got}\"",
        "missing": f"* GenerateContentRequest.{path}: {path.rpartition('.')[2]} is not specified\n",
    }
    return invalid(words.get(misfit.kind, f"* GenerateContentRequest.{path}: Invalid value: {misfit.got}\n"))


def invalid(message: str) -> Problem:
    """A 400 as Google sends it."""
    return Problem(400, message, "INVALID_ARGUMENT")


def broken_rules(body: JsonObject, model: str) -> Iterator[Problem]:
    """What a body of the right shape still has wrong."""
    contents = objects(body.get("contents"))
    if not contents:
        yield invalid("* GenerateContentRequest.contents: contents is not specified\n")
    for place, content in enumerate(contents):
        yield from _parts(content, f"contents[{place}]")
    yield from _turns(contents)
    if contents and contents[-1].get("role") == "model" and _number(model) >= 3.6:
        yield invalid("Please ensure that the last turn is of the user: this model doesn't continue its own.")
    yield from _functions(body)
    yield from _answers(body, model)
    yield from _thinking(body, model)
    if _number(model) >= 3:
        yield from _signatures(contents)


def _parts(content: JsonObject, path: str) -> Iterator[Problem]:
    if content.get("role") not in (None, "", "user", "model"):
        yield invalid("Please use a valid role: user, model.")
    parts = objects(content.get("parts"))
    if not parts:
        yield invalid(f"* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n")
    for place, part in enumerate(parts):
        data = [name for name in _DATA if part.get(name) is not None]
        if len(data) != 1:
            yield invalid(
                f"* GenerateContentRequest.{path}.parts[{place}].data: required oneof field 'data' must have one "
                "initialized field\n"
            )
        blob = part.get("inlineData")
        coded = [("inline_data.data", blob.get("data"))] if isinstance(blob, Mapping) else []
        for name, text in (*coded, ("thought_signature", part.get("thoughtSignature"))):
            if text is not None and not _is_bytes(str(text)):
                yield invalid(
                    f"Invalid value at '{path}.parts[{place}].{name}' (TYPE_BYTES), Base64 decoding failed for "
                    f'"{str(text)[:20]}"'
                )


def _turns(contents: list[JsonObject]) -> Iterator[Problem]:
    """Calls follow a turn of the user, and are all answered in the next."""
    asked, last = 0, ""
    for content in contents:
        calls, results = _count(content, "functionCall"), _count(content, "functionResponse")
        if results != asked:
            yield invalid(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if calls and last != "user":
            yield invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        asked, last = calls, str(content.get("role") or "user")


def _signatures(contents: list[JsonObject]) -> Iterator[Problem]:
    """The first call of each step of the current turn carries the thought's signature."""
    spoken = [place for place, content in enumerate(contents) if _speaks(content)]
    for content in contents[spoken[-1] if spoken else 0 :]:
        calls = [part for part in objects(content.get("parts")) if part.get("functionCall") is not None]
        if calls and not calls[0].get("thoughtSignature"):
            yield invalid(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance."
            )


def _speaks(content: JsonObject) -> bool:
    return content.get("role") != "model" and _count(content, "functionResponse") == 0


def _functions(body: JsonObject) -> Iterator[Problem]:
    names = []
    for function in functions_of(body):
        name = str(function.get("name"))
        names.append(name)
        if not _NAME.fullmatch(name):
            yield invalid(
                "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start "
                "with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), "
                "colons (:), or dashes (-), with a maximum length of 128.\n"
            )
        yield from _openapi(function.get("parameters"), "tools[0].function_declarations[0].parameters")
        if function.get("parameters") is not None and function.get("parametersJsonSchema") is not None:
            yield invalid("Only one of parameters and parameters_json_schema may be set.")
    if len(set(names)) < len(names):
        yield invalid(f"Duplicate function declaration found: {max(names, key=names.count)}")
    calling = calling_config(body)
    allowed = calling.get("allowedFunctionNames")
    if isinstance(allowed, list) and allowed:
        if calling.get("mode") not in ("ANY", "VALIDATED"):
            yield invalid("Allowed function names should only be set when function calling mode is ANY.")
        if not set(map(str, allowed)) <= set(names):
            yield invalid("Allowed function names should be a subset of the declared functions.")


def _openapi(schema: Json, path: str) -> Iterator[Problem]:
    """The subset of OpenAPI that older fields take."""
    if not isinstance(schema, Mapping):
        return
    for key, below in schema.items():
        word = _camel(key)
        if word not in _SCHEMA_WORDS:
            yield invalid(f"Invalid JSON payload received. Unknown name \"{key}\" at '{path}': Cannot find field.")
        if word == "type" and isinstance(below, list):
            yield invalid(f"Invalid JSON payload received. Unknown name \"type\" at '{path}': Proto field is not "
                          "repeating, cannot start list.")  # fmt: skip
        if word == "properties" and isinstance(below, Mapping):
            for name, each in below.items():
                yield from _openapi(each, f"{path}.properties[{name}]")
        for each in below if word == "anyOf" and isinstance(below, list) else [below] if word == "items" else []:
            yield from _openapi(each, f"{path}.{_snake(word)}")


def _answers(body: JsonObject, model: str) -> Iterator[Problem]:
    config = config_of(body)
    mime = config.get("responseMimeType")
    yield from _openapi(config.get("responseSchema"), "generation_config.response_schema")
    if config.get("responseSchema") is not None and config.get("responseJsonSchema") is not None:
        yield invalid("Only one of response_schema and response_json_schema may be set.")
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if schema is not None and mime not in ("application/json", "text/x.enum"):
        yield invalid("* GenerateContentRequest.generation_config.response_schema: only allowed when response mime "
                      "type is application/json or text/x.enum.\n")  # fmt: skip
    if mime == "application/json" and functions_of(body) and 0 < _number(model) < 3:
        yield invalid("Function calling with a response mime type: 'application/json' is unsupported")


def _thinking(body: JsonObject, model: str) -> Iterator[Problem]:
    config = config_of(body).get("thinkingConfig")
    if not isinstance(config, Mapping):
        return
    level, budget, number = config.get("thinkingLevel"), config.get("thinkingBudget"), _number(model)
    if level is not None and budget is not None:
        yield invalid("You can only set only one of thinking budget and thinking level.")
    if level is not None and 0 < number < 3:
        yield invalid("Thinking level is not supported for this model.")
    if 0 < number < 2.5 and (level is not None or budget):
        yield invalid("Thinking is not supported for this model.")
    if budget == 0 and number >= 2.5 and "pro" in model:
        yield invalid("Budget 0 is invalid. This model only works in thinking mode.")


def functions_of(body: JsonObject) -> list[JsonObject]:
    """All declared functions."""
    return [each for tool in objects(body.get("tools")) for each in objects(tool.get("functionDeclarations"))]


def config_of(body: JsonObject) -> JsonObject:
    """The `generationConfig`, empty where there is none."""
    config = body.get("generationConfig")
    return config if isinstance(config, Mapping) else {}


def calling_config(body: JsonObject) -> JsonObject:
    """The `functionCallingConfig`, empty where there is none."""
    config = body.get("toolConfig")
    calling = config.get("functionCallingConfig") if isinstance(config, Mapping) else None
    return calling if isinstance(calling, Mapping) else {}


def _number(model: str) -> float:
    """The generation of a model by its name, 0 where it doesn't say."""
    found = re.match(r"gemini-(\d+(?:\.\d+)?)", model)
    return float(found[1]) if found else 0


def _count(content: JsonObject, name: str) -> int:
    return sum(part.get(name) is not None for part in objects(content.get("parts")))


def _is_bytes(text: str) -> bool:
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _snake(path: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", path)
