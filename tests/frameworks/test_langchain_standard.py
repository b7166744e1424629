"""LangChain's own tests for chat models, answered by the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from typing_extensions import override

from langchain_llm_router import ChatLLMRouter
from llm_router.testing import Call, On, Say
from tests.frameworks.desk import Desk, desk

WITS = [
    On(Say("", calls=(Call("magic_function", {"input": 3}),)), text="*magic_function(3)*"),
    On(Say("", calls=(Call("unicode_customer", {"customer_name": "你好啊集团"}),)), text="*你好*"),
    On(Say("", calls=(Call("unicode_customer", {"customer_name": "こんにちは株式会社"}),)), text="*こんにちは*"),
    On(Say('{"setup": "What do cats drink?", "punchline": "Milk."}'), text="*joke*JSON*"),
    On([Say("", calls=(Call("get_weather", {"location": "San Francisco"}),)), Say("It is sunny.")], text="*weather*"),
]
"""What a model must know to pass."""


class Standard:
    """How LangChain's tests make our model."""

    made: Desk

    @pytest.fixture(autouse=True)
    def _desk(self) -> Iterator[None]:
        with desk(WITS) as made:
            self.made = made
            yield

    @property
    def chat_model_class(self) -> type[ChatLLMRouter]:
        """The class under test."""
        return ChatLLMRouter

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        """As every model's, but for what is the spec's matter here: keys and retries."""
        return {"temperature": 0, "max_tokens": 100, "timeout": 60, "stop": []}

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """What our model needs."""
        return {"router": self.made.router}


class TestModel(Standard, ChatModelUnitTests):
    """What every chat model must be."""


class TestAnswers(Standard, ChatModelIntegrationTests):
    """What every chat model must do."""

    @property
    @override
    def supports_json_mode(self) -> bool:
        return True

    @property
    @override
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    @override
    def supports_model_override(self) -> bool:
        return True

    @property
    @override
    def model_override_value(self) -> str:
        return "gpt-4o"
