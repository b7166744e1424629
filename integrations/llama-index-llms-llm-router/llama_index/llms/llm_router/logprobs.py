"""Log probabilities in core's own form: for each token a list, the token that was written first, then what might have
been written instead. What the provider said stands in `raw` as well, under its own names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from llama_index.core.base.llms.types import LogProb

from llm_router.messages import JsonObject

Found = Mapping[str, Any]


def logprobs_of(extra: JsonObject) -> list[list[LogProb]] | None:
    """The log probabilities of an answer's text, from what its provider added to it; `None` where there are none."""
    said: Any = extra.get("logprobs")
    result: Any = extra.get("logprobsResult")
    if isinstance(result, Mapping):
        found = list(_of_gemini(result))
    elif isinstance(said, Mapping):
        found = list(_of_openai(said.get("content") or ())) or list(_of_arrays(said))
    elif isinstance(said, Sequence):
        found = [token for each in said for token in (_of_openai([each]) if "token" in each else _of_cohere(each))]
    else:
        return None
    return found or None


def _of_openai(tokens: Sequence[Found]) -> Iterator[list[LogProb]]:
    """As OpenAI and its family say it, and Ollama."""
    for token in tokens:
        others = (each for each in token.get("top_logprobs") or () if each.get("token") != token.get("token"))
        yield _told((token, *others), "logprob")


def _of_arrays(said: Found) -> Iterator[list[LogProb]]:
    """As Together says it: an array of tokens, and one of numbers."""
    for token, number in zip(said.get("tokens") or (), said.get("token_logprobs") or (), strict=False):
        yield _told([{"token": token, "logprob": number}], "logprob")


def _of_gemini(result: Found) -> Iterator[list[LogProb]]:
    chosen, tops = result.get("chosenCandidates") or (), result.get("topCandidates") or ()
    for token, top in zip_longest(chosen, tops):
        first = [token] if token else []
        named = {each.get("token") for each in first}
        others = [each for each in (top or {}).get("candidates") or () if each.get("token") not in named]
        yield _told((*first, *others), "logProbability")


def _of_cohere(piece: Found) -> Iterator[list[LogProb]]:
    """As Cohere says it: a text, and a number for each of its tokens; the text stands with the first of them."""
    for place, number in enumerate(piece.get("logprobs") or ()):
        yield _told([{"token": piece.get("text") if place == 0 else "", "logprob": number}], "logprob")


def _told(tokens: Iterable[Found], key: str) -> list[LogProb]:
    """Those of a token's candidates whose number, under this key, was told."""
    return [
        LogProb(token=each.get("token") or "", logprob=float(each[key]), bytes=each.get("bytes") or [])
        for each in tokens
        if each.get(key) is not None
    ]
