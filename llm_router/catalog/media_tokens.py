"""What images, files and sounds count as tokens: by model where its maker says, else by the dearest known.

Sources: OpenAI's guide to images and vision, Anthropic's guide to vision, Google's guide to media resolution, OpenAI's
guide to audio (2026-11-21). An image's size isn't looked at: the guess is for one of 1024 × 1024, the bound for the
largest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_router.catalog.estimate import estimate
from llm_router.messages import Media

UNBOUNDED = 10_000_000
"""The bound of what has none of its own (a PDF, a sound behind a URL): the largest context there is. What a model reads
never exceeds its context, so the smaller of the two bounds holds."""

_TOKENS_PER_PAGE = 2_000
_BYTES_PER_PAGE = 60_000
_BYTES_PER_SECOND = 16_000
_TOKENS_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class ImageTokens:
    """Tokens of one image: with low detail, else; and at most, with low detail, else."""

    low: int
    usual: int
    most_low: int
    most: int


_TILES = ImageTokens(85, 765, 85, 1_445)
_IMAGES: tuple[tuple[str, ImageTokens], ...] = (
    (r"gpt-4o-mini\b", ImageTokens(2_833, 25_501, 2_833, 48_169)),
    (r"gpt-4\.1-mini\b|gpt-5-mini\b", ImageTokens(1_659, 1_659, 2_489, 2_489)),
    (r"gpt-4\.1-nano\b|gpt-5-nano\b", ImageTokens(2_519, 2_519, 3_779, 3_779)),
    (r"o4-mini\b", ImageTokens(1_761, 1_761, 2_642, 2_642)),
    (r"gpt-4o\b|gpt-4\.1\b|gpt-4\.5\b|chatgpt-4o\b|gpt-4-turbo\b|gpt-4-vision\b", _TILES),
    (r"gpt-5(?:-chat|-\d|$)", ImageTokens(70, 630, 70, 1_190)),
    (r"o[13]\b", ImageTokens(75, 675, 75, 1_275)),
    (r"claude-", ImageTokens(1_400, 1_400, 4_784, 4_784)),
)
"""By the beginning of a model's name, the first that fits; smaller sisters come before the family."""

_ANY_IMAGE = ImageTokens(800, 1_000, 48_169, 48_169)


def media_tokens(media: Media, model: str | None) -> tuple[int, int]:
    """Guess and bound of the tokens of one image, file or sound."""
    if media.kind == "image":
        tokens = image_tokens(model)
        return (tokens.low, tokens.most_low) if media.detail == "low" else (tokens.usual, tokens.most)
    if media.kind == "audio":
        return _audio(media.data)
    return _file(media)


def image_tokens(model: str | None) -> ImageTokens:
    """What this model counts for an image; the dearest bound known where the model isn't."""
    name = (model or "").lower().rpartition("/")[2]
    return next((tokens for pattern, tokens in _IMAGES if re.match(pattern, name)), _ANY_IMAGE)


def _audio(data: bytes | None) -> tuple[int, int]:
    if data is None:
        return 60 * _TOKENS_PER_SECOND, UNBOUNDED
    return len(data) * _TOKENS_PER_SECOND // _BYTES_PER_SECOND + 1, len(data) + 100


def _file(media: Media) -> tuple[int, int]:
    if media.data is None:
        return _TOKENS_PER_PAGE, UNBOUNDED
    if (media.media_type or "").startswith("text/"):
        return estimate(media.data.decode("utf-8", "replace")), 3 * len(media.data) + 100
    pages = len(re.findall(rb"/Type\s*/Page\b", media.data)) or len(media.data) // _BYTES_PER_PAGE + 1
    return pages * _TOKENS_PER_PAGE, UNBOUNDED
