"""LangChain's door to the router: `ChatLLMRouter`, a chat model whose spec picks who answers."""

from langchain_llm_router.chat import ChatLLMRouter

__version__ = "0.1.0"
__all__ = ["ChatLLMRouter"]
