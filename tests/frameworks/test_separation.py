"""Neither framework's package imports the other framework, and the core imports none of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTS = [
    ("llm_router", {"langchain_core", "llama_index.core"}),
    ("langchain_llm_router", {"llama_index.core"}),
    ("llama_index.llms.llm_router", {"langchain_core"}),
    ("llama_index.embeddings.llm_router", {"langchain_core"}),
]


@pytest.mark.parametrize(("package", "absent"), IMPORTS, ids=[package for package, _ in IMPORTS])
def test_a_package_imports_only_its_own_framework(package: str, absent: set[str]) -> None:
    program = f"import {package}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {
        name for name in absent if name in loaded or any(each.startswith(name + ".core") for each in loaded)
    } == set()
