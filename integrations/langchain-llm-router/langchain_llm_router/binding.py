"""A router's model with keywords or configuration bound to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableBinding
from typing_extensions import override

if TYPE_CHECKING:
    from langchain_llm_router.chat import ChatLLMRouter


class BoundRouter(RunnableBinding[LanguageModelInput, AIMessage]):
    """As core's binding, but hints bound twice, or bound and said again on the call, are merged key by key.

    Core's binding would let the later `routing=` replace the earlier one whole. So bound hints live in the model.
    """

    @override
    def bind(self, **kwargs: Any) -> BoundRouter:
        """This binding with further keywords."""
        routing = kwargs.pop("routing", None)
        model: ChatLLMRouter = self.bound  # type: ignore[assignment]  # only the model itself makes these
        return type(self)(
            bound=model if routing is None else model.with_routing(routing),
            kwargs={**self.kwargs, **kwargs},
            config=self.config,
            config_factories=self.config_factories,
            custom_input_type=self.custom_input_type,
            custom_output_type=self.custom_output_type,
        )
