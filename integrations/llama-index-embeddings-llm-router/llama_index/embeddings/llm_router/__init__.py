"""The place of the router's embeddings in LlamaIndex.

Specs have no `embeddings` section yet, so there is nothing here to call: `LLMRouterEmbedding` arrives with it. Until
then the package fixes the import path and the versions that belong together.
"""

__version__ = "0.1.0"
__all__: list[str] = []
