"""How each embedding API is asked and answers; limits as their references state them (2026-11-21)."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from llm_router.messages import Json, JsonObject
from llm_router.testing.dialects import cohere_rules, gemini_rules, ollama_rules, openai_rules
from llm_router.testing.dialects.cohere import Cohere
from llm_router.testing.dialects.dialect import Dialect, Moment, below, deployment_of, objects
from llm_router.testing.dialects.embeddings import Embeddings, Form, Limits, tokens_of
from llm_router.testing.dialects.gemini import Gemini
from llm_router.testing.dialects.ollama import Ollama
from llm_router.testing.dialects.openai import OpenAI
from llm_router.testing.dialects.openai_family import FAMILY, kind_of
from llm_router.testing.question import Problem, Question, Rejected
from llm_router.testing.shapes import Anything, Array, Either, Flag, Misfit, Number, Object, Shape, String, find_misfit

Vectors = list[tuple[float, ...]]

_TEXTS = Array(String(), short=1)
_COUNT = Number(low=1, integer=True)
_OWN_PATHS = ("v1", "openai", "embeddings", "api", "v1beta", "models", "v2", "hf-inference")

_LIMITS: Mapping[str, Limits] = {
    "openai": Limits(2048, 300_000),
    "azure": Limits(2048, 300_000),
    "mistral": Limits(512, 16_384),
    "perplexity": Limits(512, 120_000),
}
_WORDS: Mapping[str, Mapping[str, Shape]] = {
    "mistral": {"output_dimension": _COUNT, "output_dtype": String(("float",)), "encoding_format": String(("float",))},
    "together": {},
    "perplexity": {"dimensions": _COUNT, "encoding_format": String(("base64_int8", "base64_binary"))},
}
"""What kinds of the family take beside model and input, where that isn't OpenAI's own."""
_OPENAI_WORDS: Mapping[str, Shape] = {
    "dimensions": _COUNT,
    "encoding_format": String(("float", "base64")),
    "user": String(),
}


def _openai(path: str, _: str, body: JsonObject, also: frozenset[str]) -> Question:
    words = _WORDS.get(kind_of(path), _OPENAI_WORDS)
    fields: dict[str, Shape] = {"model": String(short=1), "input": Either((String(), _TEXTS)), **words}
    _hold(Object({**dict.fromkeys(also, Anything()), **fields}, ("model", "input")), body, openai_rules.misfit_problem)
    texts = _listed(body["input"])
    encoding = str(body.get("encoding_format") or ("base64_int8" if kind_of(path) == "perplexity" else "float"))
    asked = body.get("dimensions") or body.get("output_dimension")
    return _question("openai", path, str(body["model"]), texts, asked, encoding=encoding)


def _openai_limits(path: str) -> Limits:
    return _LIMITS.get(kind_of(path), Limits())


def _openai_too_many(limits: Limits, question: Question) -> Problem:
    if limits.texts is not None and len(question.texts) > limits.texts:
        return openai_rules.bad_request(f"'$.input' is invalid: at most {limits.texts} texts may be embedded at once.")
    message = f"Requested {question.input_tokens} tokens, max {limits.tokens} tokens per request"
    return Problem(400, message, "max_tokens_per_request", "max_tokens_per_request")


def _openai_reply(question: Question, vectors: Vectors, _: Moment) -> Json:
    usage: JsonObject = {"prompt_tokens": question.input_tokens, "total_tokens": question.input_tokens}
    data: list[Json] = [
        {"object": "embedding", "index": place, "embedding": _written(vector, question.encoding)}
        for place, vector in enumerate(vectors)
    ]
    return {"object": "list", "data": data, "model": question.model, "usage": usage}


def _written(vector: tuple[float, ...], encoding: str) -> Json:
    if encoding == "float":
        return list(vector)
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    largest = max(map(abs, vector)) or 1.0
    return base64.b64encode(struct.pack(f"<{len(vector)}b", *(round(127 * n / largest) for n in vector))).decode()


_TASKS = ("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING",
          "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY")  # fmt: skip
_GEMINI = Object(
    {
        "model": String(short=1),
        "content": Object(
            {"parts": Array(Object({"text": String()}, ("text",)), short=1), "role": String()}, ("parts",)
        ),
        "taskType": String(_TASKS),
        "title": String(),
        "outputDimensionality": _COUNT,
    },
    ("model", "content"),
)


def _gemini(path: str, model: str, body: JsonObject, also: frozenset[str]) -> Question:
    shape = Object({**dict.fromkeys(also, Anything()), "requests": Array(_GEMINI, short=1)}, ("requests",))
    _hold(shape, body, gemini_rules.misfit_problem)
    requests = objects(body["requests"])
    if any(each["model"] != f"models/{unquote(model)}" for each in requests):
        raise Rejected(gemini_rules.invalid("* BatchEmbedContentsRequest.requests: model isn't that of the batch\n"))
    texts = ["".join(str(part["text"]) for part in objects(below(each, "content", "parts"))) for each in requests]
    return _question("gemini", path, unquote(model), texts, requests[0].get("outputDimensionality"))


def _gemini_too_many(limits: Limits, _: Question) -> Problem:
    message = f"* BatchEmbedContentsRequest.requests: at most {limits.texts} requests can be in one batch\n"
    return gemini_rules.invalid(message)


def _gemini_reply(question: Question, vectors: Vectors, _: Moment) -> Json:
    """Vectors that were cut aren't at length 1, as from the real one."""
    scale = 0.5 if question.dimensions else 1.0
    listed: list[Json] = [{"values": [scale * number for number in vector]} for vector in vectors]
    return {"embeddings": listed, "usageMetadata": {"promptTokenCount": question.input_tokens}}


_COHERE: Mapping[str, Shape] = {
    "model": String(short=1),
    "texts": _TEXTS,
    "input_type": String(("search_document", "search_query", "classification", "clustering")),
    "embedding_types": Array(String(("float", "int8", "uint8", "binary", "ubinary", "base64"))),
    "output_dimension": _COUNT,
    "truncate": String(("NONE", "START", "END")),
    "max_tokens": _COUNT,
    "priority": Number(integer=True),
}


def _cohere(path: str, _: str, body: JsonObject, also: frozenset[str]) -> Question:
    required = ("model", "texts", "input_type", "embedding_types")
    _hold(Object({**dict.fromkeys(also, Anything()), **_COHERE}, required), body, cohere_rules.misfit_problem)
    return _question("cohere", path, str(body["model"]), _listed(body["texts"]), body.get("output_dimension"))


def _cohere_too_many(limits: Limits, _: Question) -> Problem:
    return Problem(400, f"invalid request: total number of texts must be at most {limits.texts}")


def _cohere_reply(question: Question, vectors: Vectors, moment: Moment) -> Json:
    return {
        "id": f"00000000-0000-4000-8000-{moment.serial:012d}",
        "texts": list(question.texts),
        "embeddings": {"float": [list(vector) for vector in vectors]},
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": question.input_tokens}},
        "response_type": "embeddings_by_type",
    }


_OLLAMA: Mapping[str, Shape] = {
    "model": String(short=1),
    "input": Either((String(), _TEXTS)),
    "truncate": Flag(),
    "dimensions": _COUNT,
    "options": Object(open=True),
    "keep_alive": Either((String(), Number())),
}


def _ollama(path: str, _: str, body: JsonObject, also: frozenset[str]) -> Question:
    _hold(Object({**dict.fromkeys(also, Anything()), **_OLLAMA}, ("model", "input")), body, ollama_rules.misfit_problem)
    return _question("ollama", path, str(body["model"]), _listed(body["input"]), body.get("dimensions"))


def _ollama_reply(question: Question, vectors: Vectors, _: Moment) -> Json:
    times: JsonObject = {"total_duration": 2_000_000, "load_duration": 500_000}
    listed: list[Json] = [list(vector) for vector in vectors]
    return {"model": question.model, "embeddings": listed, **times, "prompt_eval_count": question.input_tokens}


_HUGGING_FACE: Mapping[str, Shape] = {
    "inputs": Either((String(), _TEXTS)),
    "normalize": Flag(),
    "truncate": Flag(),
    "prompt_name": String(),
    "truncation_direction": String(("left", "right", "Left", "Right")),
}


def _hugging_face(path: str, model: str, body: JsonObject, also: frozenset[str]) -> Question:
    _hold(Object({**dict.fromkeys(also, Anything()), **_HUGGING_FACE}, ("inputs",)), body, openai_rules.misfit_problem)
    return _question("huggingface", path, unquote(model), _listed(body["inputs"]), None)


def _hugging_face_too_many(limits: Limits, question: Question) -> Problem:
    return Problem(413, f"batch size {len(question.texts)} > maximum allowed batch size {limits.texts}", "Validation")


def _hugging_face_reply(_: Question, vectors: Vectors, __: Moment) -> Json:
    return [list(vector) for vector in vectors]


def _question(
    name: str, path: str, model: str, texts: Sequence[str], dimensions: Json, *, encoding: str = "float"
) -> Question:
    return Question(
        f"{name} embeddings",
        model,
        deployment_of(path, _OWN_PATHS),
        "\n".join(texts),
        input_tokens=tokens_of(texts),
        texts=tuple(texts),
        dimensions=dimensions if isinstance(dimensions, int) else 0,
        encoding=encoding,
    )


def _hold(shape: Object, body: JsonObject, tell: Callable[[Misfit], Problem]) -> None:
    """Nothing. Raises Rejected, in the words of the dialect, for a body of another shape."""
    misfit = find_misfit(shape, body, "")
    if misfit:
        raise Rejected(tell(misfit))


def _listed(value: Json) -> list[str]:
    return [str(value)] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list) else []


def _unbounded(_: str) -> Limits:
    return Limits()


def _bearer(path: str) -> tuple[str, ...]:
    """Where the family's keys stand; servers at home want none."""
    return () if FAMILY[kind_of(path)].keyless else ("authorization", "api-key")


_OPENAI_FORM = Form(
    "openai-embeddings", re.compile(r"/embeddings$"), _bearer, _openai, _openai_limits, _openai_too_many, _openai_reply
)
EMBEDDINGS: tuple[Dialect, ...] = (
    Embeddings(_OPENAI_FORM, OpenAI()),
    Embeddings(
        Form(
            "gemini-embeddings",
            re.compile(r"/models/(?P<model>[^/:]+):batchEmbedContents$"),
            lambda _: ("x-goog-api-key",),
            _gemini,
            lambda _: Limits(100),
            _gemini_too_many,
            _gemini_reply,
        ),
        Gemini(),
    ),
    Embeddings(
        Form(
            "cohere-embeddings",
            re.compile(r"/v2/embed$"),
            lambda _: ("authorization",),
            _cohere,
            lambda _: Limits(96),
            _cohere_too_many,
            _cohere_reply,
        ),
        Cohere(),
    ),
    Embeddings(
        Form(
            "ollama-embeddings",
            re.compile(r"/api/embed$"),
            lambda _: (),
            _ollama,
            _unbounded,
            _cohere_too_many,
            _ollama_reply,
        ),
        Ollama(),
    ),
    Embeddings(
        Form(
            "huggingface-embeddings",
            re.compile(r"/hf-inference/models/(?P<model>.+)/pipeline/feature-extraction$"),
            lambda _: ("authorization",),
            _hugging_face,
            lambda _: Limits(32),
            _hugging_face_too_many,
            _hugging_face_reply,
        ),
        OpenAI(),
    ),
)
