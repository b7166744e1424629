"""LlamaIndex's door to the router's embeddings: `LLMRouterEmbedding`, whose spec picks who embeds."""

from llama_index.embeddings.llm_router.embedding import LLMRouterEmbedding

__version__ = "0.1.0"
__all__ = ["LLMRouterEmbedding"]
