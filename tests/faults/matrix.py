"""The matrix of faults as values: one cell for each fault, the candidates that have it, and streamed or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from typing_extensions import override

from llm_router.engine.serving.continuing import INSTRUCTION
from llm_router.messages import JsonObject

FILE: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("matrix.yaml").read_text())
FRAMEWORKS: Mapping[str, Mapping[str, Any]] = FILE["frameworks"]
COLUMNS = ("first", "second", "every")
QUESTION = "why is the sky blue?"
ANSWER = f"m was asked: {QUESTION}"
SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what is given, and what is expected of it. `quick` cells are for runs in real time.

    The words of `dialect` are those in which the emulated providers answer and fail.
    """

    row: Mapping[str, Any]
    column: str
    streamed: bool
    quick: bool = False
    dialect: str = "chat completions"

    @override
    def __str__(self) -> str:
        """Its name."""
        name = self.row.get("name") or self._fault_name
        return f"{self.dialect}: {name}, {self.column}, {'streamed' if self.streamed else 'whole'}"

    @property
    def expected(self) -> Mapping[str, Any]:
        """What the shape says."""
        said = {**self.row, **self._streamed}
        shape = said["quick"] if self.quick and "quick" in said else said["shape"]
        expected: Mapping[str, Any] = FILE["shapes"][shape][self.column]
        return expected

    @property
    def failure(self) -> str:
        """The class of the failures."""
        return str(self._streamed.get("class", self.row["class"]))

    @property
    def caller(self) -> str:
        """Who answers, else the class of the error."""
        return str(self.expected.get("caller", self.failure))

    @property
    def told(self) -> list[str]:
        """What is recorded of each attempt: how it ended, what it is charged by, and whether it went on."""
        basis = self._spoken.get("basis", {}).get(self._fault_name, self.row["basis"])
        forms = {"x": f"{self.failure} {basis}", "p": "permission free", "ok": "ok reported"}
        words = self.expected["told"].split()
        return [forms[word.rstrip("+")] + " continued" * word.endswith("+") for word in words]

    @property
    def structured(self) -> bool:
        """Whether an answer in the form of a schema is asked for."""
        return self._fault_name == "invalid_output"

    @property
    def answer(self) -> str:
        """The text of a good answer. Who goes on by an instruction says that it was asked that."""
        by_instruction = "+" in self.expected["told"] and not self._spoken.get("prefill", True)
        return f"m was asked: {INSTRUCTION}" if by_instruction else ANSWER

    def case(self) -> dict[str, Any]:
        """The case as the tests' world takes it."""
        fault = self.row["fault"]
        if self.streamed and "shape" in self._streamed and isinstance(fault, str) and self._breaks:
            fault = {"fault": fault, "after": self._spoken.get("after", 2)}
        given = {"first": {"a": fault}, "second": {"a": "permission", "b": fault}, "every": {"*": fault}}[self.column]
        case: dict[str, Any] = {"given": given, "facts": {name: self._facts(name) for name in "abc"}}
        spec = {"settings": {"max_output_tokens": 1000}}
        return {**case, "kind": self._spoken["kind"], "spec": spec, "text": QUESTION, **self._schema()}

    def _schema(self) -> dict[str, Any]:
        return {"schema": SCHEMA} if self.structured else {}

    def _facts(self, name: str) -> dict[str, Any]:
        """A price, so that there is something to charge; who goes on from a text is asked the same as who began it."""
        facts: dict[str, Any] = {"model": "m", "price": {"input": 1, "output": 2}}
        if self._fault_name == "context_length":
            facts["context"] = "100k" if name == "c" else "8k"
        return facts if self.structured else {**facts, "supports": ["prefill"]}

    @property
    def faulty(self) -> str:
        """The deployments that have the fault, a letter each."""
        return {"first": "a", "second": "b", "every": "abc"}[self.column]

    @property
    def soon(self) -> dict[str, Any]:
        """The limit of time that the fault runs into, made short; nothing for faults that need no time."""
        if self.failure != "timeout":
            return {}
        limit = "total" if not self.streamed else "stall" if self._fault_name == "stall" else "first_token"
        return {"timeouts": {limit: "800ms"}}

    @property
    def _streamed(self) -> Mapping[str, Any]:
        streamed: Mapping[str, Any] = self.row.get("streamed", {}) if self.streamed else {}
        return streamed

    @property
    def _breaks(self) -> bool:
        """Whether the fault lets something of a stream through first."""
        return str(self._streamed["shape"]).startswith("gone on with")

    @property
    def _spoken(self) -> Mapping[str, Any]:
        spoken: Mapping[str, Any] = FILE["dialects"][self.dialect]
        return spoken

    @property
    def _fault_name(self) -> str:
        fault = self.row["fault"]
        return str(fault["fault"] if isinstance(fault, dict) else fault)


def cells(dialect: str = "chat completions", *, quick: bool = False) -> Iterator[Cell]:
    """Yields every cell of a dialect; those of faults that it can't have are left out."""
    without = FILE["dialects"][dialect].get("without", ())
    for row in FILE["faults"]:
        for column in COLUMNS if row["fault"] not in without else ():
            for streamed in (False, True):
                yield Cell(row, column, streamed, quick, dialect)


def within(seconds: float, expected: float | list[float]) -> bool:
    """Whether a duration is the expected one, or between the least and the most."""
    least, most = expected if isinstance(expected, list) else (expected, expected)
    return least - 1e-6 <= seconds <= most + 1e-6
