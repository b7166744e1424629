"""What fails, fails in LangChain's words and in the router's at once."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain.agents.middleware._retry import default_retry_on
from langchain_core import exceptions as langchain
from langchain_core.language_models import FakeListChatModel

from langchain_llm_router import ChatLLMRouter
from langchain_llm_router.errors import FRAMEWORK_ERRORS, as_model_error
from llm_router import errors
from tests.frameworks.desk import Desk, desk

CASES: list[tuple[str, type[errors.RouterError], type[Exception], bool]] = [
    ("rate_limit", errors.RateLimited, langchain.ModelRateLimitError, True),
    ("quota_exhausted", errors.QuotaExhausted, langchain.ModelError, False),
    ("unavailable", errors.Unavailable, langchain.ModelAPIError, True),
    ("overloaded", errors.Overloaded, langchain.ModelAPIError, True),
    ("connection_lost", errors.ConnectionLost, langchain.ModelConnectionError, True),
    ("truncated", errors.Truncated, langchain.ModelAPIError, True),
    ("authentication", errors.AuthenticationFailed, langchain.ModelAuthenticationError, False),
    ("permission", errors.PermissionDenied, langchain.ModelPermissionDeniedError, False),
    ("not_found", errors.NotFound, langchain.ModelNotFoundError, False),
    ("context_length", errors.ContextLengthExceeded, langchain.ContextOverflowError, False),
    ("content_filter", errors.ContentFiltered, langchain.ModelInvalidRequestError, False),
    ("bad_request", errors.BadRequest, langchain.ModelInvalidRequestError, False),
]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("fault", "ours", "theirs", "again"), CASES, ids=[case[0] for case in CASES])
def test_a_failure_is_what_both_call_it(
    fault: str, ours: type[Exception], theirs: type[Exception], again: bool, streamed: bool
) -> None:
    with desk({"*": fault}) as made:
        model = ChatLLMRouter(router=made.router, model="gpt")
        with pytest.raises(ours) as raised:
            list(model.stream("hello")) if streamed else model.invoke("hello")
    assert isinstance(raised.value, theirs)
    assert default_retry_on(raised.value) is again
    assert raised.value.attempts  # type: ignore[attr-defined]
    assert raised.value.decision_id  # type: ignore[attr-defined]


async def test_a_failure_of_an_async_call_is_told_alike() -> None:
    with desk({"*": "unavailable"}) as made:
        model = ChatLLMRouter(router=made.router)
        with pytest.raises(langchain.ModelAPIError):
            await model.ainvoke("hello")
        with pytest.raises(langchain.ModelAPIError):
            [chunk async for chunk in model.astream("hello")]


def test_a_refusal_of_the_spec_is_told_and_not_tried_again(at_desk: Desk) -> None:
    with pytest.raises(errors.Refused, match="no medical advice") as raised:
        ChatLLMRouter(router=at_desk.router).invoke("hello", {"tags": ["medical"]})
    assert raised.value.rule == "nothing medical"
    assert default_retry_on(raised.value) is False


def test_every_error_of_the_router_has_its_form() -> None:
    every: list[Any] = [*errors.PROVIDER_ERRORS.values(), errors.RequestError, errors.Refused, errors.NoCandidate]
    assert {*every, errors.RouterClosed} == set(FRAMEWORK_ERRORS)


def test_the_form_keeps_everything_and_can_be_pickled() -> None:
    given = errors.RateLimited("slow down", provider="openai", retry_after_s=3.0, decision_id="d1")
    found: Any = as_model_error(given)
    again = pickle.loads(pickle.dumps(found))
    for error in (found, again):
        assert (error.provider, error.retry_after_s, error.decision_id) == ("openai", 3.0, "d1")
        assert isinstance(error, langchain.ModelRateLimitError)
        assert str(error) == str(given)


def test_a_chain_of_fallbacks_goes_on_after_us() -> None:
    with desk({"*": "unavailable"}) as made:
        model = ChatLLMRouter(router=made.router).with_fallbacks([FakeListChatModel(responses=["spare"])])
        assert model.invoke("hello").content == "spare"


def test_retries_of_langchain_come_on_top() -> None:
    with desk({"gpt-4o": ["unavailable", "ok"]}) as made:
        model = ChatLLMRouter(router=made.router, model="gpt").with_retry(
            retry_if_exception_type=(langchain.ModelAPIError,), wait_exponential_jitter=False
        )
        assert model.invoke("hello").content
