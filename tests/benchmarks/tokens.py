"""Prints how near the token estimate comes, and how fast it is.

    python -m tests.benchmarks.tokens

Against OpenAI's vocabularies where they are on this machine, on the texts of `tokens_samples`; against the input tokens
that providers reported, where there are recordings.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import get_args

from llm_router.catalog.estimate import Family, estimate
from llm_router.catalog.tokens import count_request
from llm_router.catalog.vocabulary import counter_for
from tests.benchmarks.tokens_samples import SAMPLES
from tests.catalog.test_tokens import MODELS, _recorded


def summary(errors: Iterable[float]) -> str:
    """Mean, 95th percentile and largest of relative errors."""
    found = sorted(map(abs, errors))
    return (
        f"mean {sum(found) / len(found):6.1%}   95th percentile {found[int(len(found) * 0.95)]:6.1%}"
        f"   largest {found[-1]:6.1%}   ({len(found)} cases)"
    )


def texts(family: Family) -> None:
    """Each sample against one vocabulary."""
    count = counter_for(MODELS[family])
    if count is None:
        print(f"{family}: the vocabulary is not on this machine")
        return
    counted = {name: count(text) or 1 for name, text in SAMPLES.items()}
    ours = {name: estimate(text, family) / counted[name] - 1 for name, text in SAMPLES.items()}
    quarter = [len(text.encode()) / 4 / counted[name] - 1 for name, text in SAMPLES.items()]
    print(f"{family}, estimated   {summary(ours.values())}\n{family}, bytes / 4   {summary(quarter)}")
    print("  " + "  ".join(f"{name} {error:+.0%}" for name, error in ours.items()))


def recorded() -> None:
    """The count of recorded requests against reported input tokens, by provider."""
    errors: dict[str, list[float]] = defaultdict(list)
    for name, request, _, used in _recorded():
        if used >= 50:
            kind = f"{name.partition('/')[0]}, {'tools' if request.tools else 'texts'}"
            errors[kind].append(count_request(request).value / used - 1)
    for kind, found in sorted(errors.items()):
        print(f"{kind:20} {summary(found)}")


def speed() -> None:
    """Time per hundred characters."""
    for name in ("english", "python", "chinese", "russian"):
        text = (SAMPLES[name] * 400)[:40_000]
        best = min(timed(text) for _ in range(5))
        print(f"{name:10} {best / len(text) * 1e8:5.2f} µs per 100 characters")
    long = SAMPLES["english"] * 10_000
    print(f"{len(long):,} characters: {timed(long) * 1e3:.1f} ms")


def timed(text: str) -> float:
    """Seconds that one estimate takes."""
    start = time.perf_counter()
    estimate(text)
    return time.perf_counter() - start


if __name__ == "__main__":
    for each in get_args(Family):
        texts(each)
    recorded()
    speed()
