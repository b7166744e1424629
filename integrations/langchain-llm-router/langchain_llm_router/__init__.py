"""LangChain's door to the router: a chat model and embeddings whose spec picks who answers."""

from langchain_llm_router.chat import ChatLLMRouter
from langchain_llm_router.embeddings import LLMRouterEmbeddings

__version__ = "0.1.0"
__all__ = ["ChatLLMRouter", "LLMRouterEmbeddings"]
