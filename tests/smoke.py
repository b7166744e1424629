"""A first use of the installed wheels, away from the checkout: each package answers through the emulator."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

SPEC = """\
version: 1
rules:
  - use: [openai:gpt-4o-mini]
"""


def cli(*arguments: str) -> str:
    """What the command prints; fails when it fails."""
    command = Path(sys.executable).with_name("llm-router")
    return subprocess.run([str(command), *arguments], check=True, capture_output=True, text=True).stdout


def core(path: Path, url: str) -> None:
    """The router itself: checked, asked, streamed."""
    from llm_router import Router

    assert "0 errors" in cli("check", str(path)) or cli("check", str(path)).strip()
    os.environ.update(OPENAI_API_KEY="sk-emulated", OPENAI_BASE_URL=url)
    with Router.from_file(path) as router:
        assert router.chat("hello").text
        assert list(router.stream("hello"))


def langchain(path: Path) -> None:
    """The LangChain model, sync, async and streamed."""
    from langchain_llm_router import ChatLLMRouter

    model = ChatLLMRouter.from_file(path)
    assert model.invoke("hello").content
    assert asyncio.run(model.ainvoke("hello")).content
    assert "".join(chunk.text for chunk in model.stream("hello"))


def llama_index(path: Path) -> None:
    """The LlamaIndex model, whole and streamed."""
    from llama_index.llms.llm_router import LLMRouter

    model = LLMRouter.from_file(path)
    assert model.complete("hello").text
    assert list(model.stream_complete("hello"))


def main() -> None:
    """Every package once."""
    from llm_router.testing import Emulator, serve

    path = Path("spec.yaml")
    path.write_text(SPEC)
    with serve(Emulator()) as url:
        core(path, f"{url}/v1")
        langchain(path)
        llama_index(path)
    print("the wheels work")


if __name__ == "__main__":
    main()
