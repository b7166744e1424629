"""Where Azure OpenAI is asked: its two surfaces, and how an address says which.

The v1 surface (`…/openai/v1`) names the deployment in the body, as OpenAI names models. The dated one has it in the
path (`…/openai/deployments/NAME`) and wants an `api-version`; its responses, too, name it in the body
(`…/openai/responses`). An address that goes as far as either is taken as it stands; one of a resource
(`https://RES.openai.azure.com`, with or without `/openai`) becomes dated where there is an `api-version`, else v1
(Microsoft, api-version-lifecycle, 2026-11; recorded exchanges).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

VERSION = "api-version"
VERSION_VARIABLE = "OPENAI_API_VERSION"
_DATED = "/openai/deployments/"


def is_resource(base_url: str) -> bool:
    """Whether an address leaves open which surface is meant."""
    path = urlsplit(base_url).path
    return _DATED not in path and not path.endswith(("/v1", "/models"))


def address(base_url: str, query: Mapping[str, str], model: str, api: str | None) -> str:
    """The base of a deployment's requests. `base_url` has no slash at its end."""
    if not is_resource(base_url):
        return base_url
    resource = base_url.removesuffix("/openai")
    if VERSION not in query:
        return f"{resource}/openai/v1"
    return f"{resource}/openai" if api == "responses" else f"{resource}{_DATED}{quote(model, safe='')}"


def fault(base_url: str, query: Mapping[str, str], api: str | None) -> tuple[str, str] | None:
    """Why requests to this address would come to nothing, and what to do; None where they wouldn't."""
    if _DATED in urlsplit(base_url).path:
        if VERSION not in query:
            return "its address wants an `api-version`", f'write `query: {{{VERSION}: "2024-10-21"}}`'
        if api == "responses":
            advice = "end `base_url` before `/openai`, or say `api: chat`"
            return "its address is that of chat completions, but it is asked for responses", advice
    return None
