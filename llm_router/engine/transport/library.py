"""The HTTP library, imported here and nowhere else: its successor has the same interface under another name."""

import httpcore as httpcore
import httpx as httpx
