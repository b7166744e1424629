"""Google's own types of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types


def check_against_vendor(body: dict[str, Any]) -> None:
    """Raises unless Google's library takes each part of the body."""
    config = dict(body.get("generationConfig") or {})
    rest = {"toolConfig", "safetySettings", "cachedContent", "systemInstruction", "tools"} & set(body)
    whole = {**config, **{key: body[key] for key in rest}}
    types.GenerateContentConfig.model_validate_json(json.dumps(whole))
    for content in body["contents"]:
        types.Content.model_validate_json(json.dumps(content))
    assert set(body) <= {"contents", "generationConfig", *rest}


def test_a_wrong_body_is_noticed() -> None:
    good = {"contents": [{"role": "user", "parts": [{"text": "x"}]}], "generationConfig": {"topP": 0.5}}
    check_against_vendor(good)
    with pytest.raises(ValueError, match="texts"):
        check_against_vendor({"contents": [{"role": "user", "parts": [{"texts": "x"}]}]})
    with pytest.raises(ValueError, match="top"):
        check_against_vendor({**good, "generationConfig": {"topPP": 0.5}})
