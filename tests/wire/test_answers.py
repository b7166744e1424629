"""What the dialects read from answers, case by case (`cases/*_answers.yaml`), whole and cut anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.messages import Extra
from llm_router.wire.codec import Codec, WireError
from llm_router.wire.dialects import CODECS
from tests.wire.reading_streams import Outcome, bytewise, decode_stream, failure_summary, halves, summary

Case = dict[str, Any]


def _cases(dialect: str) -> list[Any]:
    text = Path(__file__).with_name("cases").joinpath(f"{dialect}_answers.yaml").read_text("utf-8")
    return [pytest.param(dialect, case, id=f"{dialect}: {case['name']}") for case in yaml.safe_load(text)]


def _says_its_end(dialect: Any, case: Any) -> bool:
    return dialect == "ollama" or "[DONE]" in str(case) or "message_stop" in str(case)


CASES = [
    *_cases("openai"),
    *_cases("ollama"),
    *_cases("anthropic"),
    *_cases("gemini"),
    *_cases("cohere"),
    *_cases("replicate"),
]
WHOLE = [case for case in CASES if "whole" in case.values[1] or "raw_whole" in case.values[1]]
STREAMED = [case for case in CASES if case not in WHOLE]
ENDED = [case for case in STREAMED if "failure" not in case.values[1] and _says_its_end(*case.values)]


@pytest.mark.parametrize(("dialect", "case"), WHOLE)
def test_a_whole_answer_reads_as_stated(dialect: str, case: Case) -> None:
    body = case.get("raw_whole") or json.dumps(case["whole"])
    headers = case.get("headers", {})
    if "failure" in case:
        with pytest.raises(WireError) as caught:
            CODECS[dialect].decode(headers, body.encode())
        _check_failure(caught.value, case)
    else:
        assert summary(CODECS[dialect].decode(headers, body.encode())) == case["expect"]


@pytest.mark.parametrize(("dialect", "case"), STREAMED)
def test_a_streamed_answer_reads_as_stated(dialect: str, case: Case) -> None:
    outcome = decode_stream(CODECS[dialect], case.get("headers", {}), [_stream(dialect, case)])
    _check(outcome, case)


@pytest.mark.parametrize(("dialect", "case"), STREAMED)
def test_a_stream_reads_the_same_cut_at_every_byte(dialect: str, case: Case) -> None:
    codec, body = CODECS[dialect], _stream(dialect, case)
    whole = decode_stream(codec, {}, [body])
    assert decode_stream(codec, {}, bytewise(body)) == whole
    for at in range(len(body)):
        assert decode_stream(codec, {}, halves(body, at)) == whole, at


@pytest.mark.parametrize(("dialect", "case"), ENDED)
def test_what_follows_the_end_doesnt_count(dialect: str, case: Case) -> None:
    body = _stream(dialect, case)
    outcome = decode_stream(CODECS[dialect], case.get("headers", {}), [body, b"\n\ndata: {\n\n: x\n\n", b"\xff\xfe\n"])
    _check(outcome, case)


def test_a_stream_is_done_at_its_end_marker() -> None:
    assert _done_after(CODECS["openai"], b'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n')


def test_a_stream_is_done_at_its_finish_reason_and_usage() -> None:
    finish = b'data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    assert not _done_after(CODECS["openai"], finish)
    assert not _done_after(CODECS["openai"], usage)
    assert _done_after(CODECS["openai"], finish + usage)


def test_what_every_chunk_repeats_is_told_once() -> None:
    chunk = b'data: {"citations":["a"],"choices":[{"delta":{"content":"x"},"finish_reason":%s}]}\n\n'
    usage = b'data: {"citations":["a"],"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    body = chunk % b"null" + chunk % b'"stop"' + usage + b"data: [DONE]\n\n"
    events = decode_stream(CODECS["openai"], {}, [body]).events
    assert [event for event in events if isinstance(event, Extra)] == [Extra({"citations": ["a"]})]


def test_a_local_stream_is_done_at_its_last_line() -> None:
    assert not _done_after(CODECS["ollama"], b'{"message":{"content":"x"},"done":false}\n')
    assert _done_after(CODECS["ollama"], b'{"message":{"content":"x"},"done":true}\n')


def _done_after(codec: Codec, body: bytes) -> bool:
    decoder = codec.decoder({})
    decoder.feed(body)
    return decoder.done


def _stream(dialect: str, case: Case) -> bytes:
    if "raw" in case:
        return str(case["raw"]).encode()
    lines = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in case["stream"]]
    return "".join(f"{line}\n" if dialect == "ollama" else f"data: {line}\n\n" for line in lines).encode()


def _check(outcome: Outcome, case: Case) -> None:
    if "expect" in case:
        assert summary(outcome.response) == case["expect"]
    elif not outcome.failure:
        raise AssertionError("the case expects a failure")
    if "failure" not in case:
        assert outcome.failure is None
        return
    assert outcome.failure is not None
    _check_failure(WireError(outcome.failure), case)


def _check_failure(error: WireError, case: Case) -> None:
    """A case without a message or code leaves them open."""
    said = failure_summary(error.failure)
    assert {key: said.get(key) for key in case["failure"]} == case["failure"]
    assert error.failure.message
