"""A first use of the installed wheels, away from the checkout: each package answers through the emulator."""

from __future__ import annotations

import asyncio
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


def main() -> None:
    """Every package once."""
    from llama_index.llms.llm_router import LLMRouter

    from langchain_llm_router import ChatLLMRouter
    from llm_router import Router
    from llm_router.testing import emulated_providers

    path = Path("spec.yaml")
    path.write_text(SPEC)
    assert "0 errors" in cli("check", str(path))
    assert "an outage" in cli("demo", "--emulate")
    with (
        emulated_providers(variables={}) as providers,
        Router.from_file(path, environment=providers.environment) as router,
    ):
        assert router.chat("hello").text
        assert list(router.stream("hello"))
        chat = ChatLLMRouter(router=router)
        assert chat.invoke("hello").text
        assert asyncio.run(chat.ainvoke("hello")).text
        assert "".join(chunk.text for chunk in chat.stream("hello"))
        llm = LLMRouter(router=router)
        assert llm.complete("hello").text
        assert list(llm.stream_complete("hello"))
    print("the wheels work")


if __name__ == "__main__":
    main()
