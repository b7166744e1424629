"""Reads vectors from what providers send: lists of numbers, or base64 of little-endian floats or of signed bytes.

The latter come at any length (docs.perplexity.ai/docs/embeddings, 2026-11-21), and are brought to length 1.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct

from llm_router.catalog.embedding_apis import VectorEncoding
from llm_router.messages import Json, Usage
from llm_router.wire.embedding.codec import Vector
from llm_router.wire.reading import as_count, malformed

FLOAT_BYTES = 4
UNIT_TOLERANCE = 1e-6


def read_vector(value: Json, encoding: VectorEncoding = "float") -> Vector:
    """The vector that a JSON value spells: a list in any encoding, a text in that one. Raises WireError (malformed)."""
    if isinstance(value, str):
        vector = _unpacked(value, encoding)
    elif isinstance(value, list) and all(type(number) in (int, float) for number in value):
        vector = tuple(map(float, value))
    else:
        raise malformed("a vector isn't a list of numbers")
    if not vector or not math.isfinite(math.fsum(map(abs, vector))):
        raise malformed("a vector is empty, or holds a number that isn't finite")
    return vector


def _unpacked(text: str, encoding: VectorEncoding) -> Vector:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed("a vector isn't base64") from error
    if encoding == "base64_int8":
        return unit(tuple(map(float, struct.unpack(f"<{len(data)}b", data))))
    if len(data) % FLOAT_BYTES:
        raise malformed("a vector's bytes don't come to whole numbers")
    return struct.unpack(f"<{len(data) // FLOAT_BYTES}f", data)


def unit(vector: Vector) -> Vector:
    """The vector at length 1; itself where it has that length, or none."""
    length = math.sqrt(math.fsum(number * number for number in vector))
    if length == 0.0 or abs(length - 1.0) <= UNIT_TOLERANCE:
        return vector
    return tuple(number / length for number in vector)


def input_usage(tokens: Json) -> Usage:
    """The usage of an embedding: what was read, as far as the provider reports it; nothing is ever written."""
    return Usage(input=as_count(tokens), output=0)
