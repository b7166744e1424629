"""LangChain's own tests for chat models, answered by the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_tests", reason="LangChain's standard tests are not installed")

from langchain_llm_router import ChatLLMRouter
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.frameworks.desk import Desk, desk


class TestStandard(ChatModelUnitTests):
    """What every chat model must be."""

    @pytest.fixture(autouse=True)
    def _desk(self) -> Iterator[None]:
        with desk() as made:
            self.made: Desk = made
            yield

    @property
    def chat_model_class(self) -> type[ChatLLMRouter]:
        return ChatLLMRouter

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        """As every model's, but for what is the spec's matter here: keys and retries."""
        return {"temperature": 0, "max_tokens": 100, "timeout": 60, "stop": []}

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"router": self.made.router}
