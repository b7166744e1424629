"""LlamaIndex's door to the router: `LLMRouter`, an LLM whose spec picks who answers."""

from llama_index.llms.llm_router.llm import LLMRouter

__version__ = "0.1.0"
__all__ = ["LLMRouter"]
