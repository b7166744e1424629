"""How lists of models are asked for, and read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.catalog.providers import PROVIDERS
from llm_router.wire.codec import Target, WireError
from llm_router.wire.listing import Listed, Page, form_of, list_request, lists, one_request, read_page

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "listings.yaml").read_text())
TARGET = Target("https://host.example/v1", "any", {"authorization": "Bearer sk-planted"})


@pytest.mark.parametrize("case", CASES["pages"], ids=lambda case: case["name"])
def test_a_page_is_asked_for_and_read(case: dict[str, Any]) -> None:
    form = form_of(case["kind"], case["dialect"])
    assert form is not None
    target = replace(TARGET, base_url=case["at"]) if "at" in case else TARGET
    request = list_request(form, target)
    assert (request.method, request.url, request.body) == ("GET", case["url"], b"")
    assert request.headers["authorization"] == "Bearer sk-planted"
    page = read_page(form, json.dumps(case["body"]).encode())
    assert page == Page(tuple(Listed(*model) for model in case["models"]), case.get("onward"))
    for name, value in (page.onward or {}).items():
        assert f"{name}={value}" in list_request(form, TARGET, page.onward).url


@pytest.mark.parametrize(("kind", "dialect", "body"), CASES["unreadable"], ids=str)
def test_what_is_no_list_is_told(kind: str, dialect: str, body: str) -> None:
    form = form_of(kind, dialect)
    assert form is not None
    with pytest.raises(WireError, match="no list of models"):
        read_page(form, body.encode())


@pytest.mark.parametrize(("listed", "asked", "there"), CASES["found"], ids=str)
def test_a_name_is_found_as_providers_mean_it(listed: str, asked: str, there: bool) -> None:
    assert lists(Page((Listed(listed),)), asked) is there


def test_one_model_is_asked_for_by_a_path_that_keeps_its_folder() -> None:
    form = form_of("groq", "openai")
    assert form is not None
    assert one_request(form, TARGET, "openai/gpt oss").url == "https://host.example/v1/models/openai/gpt%20oss"


def test_every_kind_of_provider_has_a_list_but_those_that_are_known_to_have_none() -> None:
    without = {kind for kind, row in PROVIDERS.items() if form_of(kind, row.dialect) is None}
    assert without == {"perplexity"}
