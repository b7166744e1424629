"""`if:` as conditions: a grammar of its own, read by precedence, never evaluated.

    either    = both, { "or", both }
    both      = negated, { "and", negated }
    negated   = "not", negated | "(", either, ")" | predicate
    predicate = feature, [ [ "not" ], operator, [ values ] ]
    values    = value | ( "[" | "(" ), value, { ",", value }, ( "]" | ")" ) | value, "and", value

A feature that stands alone is a boolean one that is true. What can't be read is reported and passed over up to the
next `and`, `or` or closing bracket, so that one expression can have several diagnostics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llm_router.diagnostics import Diagnostic, Span, closest
from llm_router.spec.conditions.condition import ALWAYS, DEEPEST, All, AnyOf, Condition, Not, Op, Test, joined
from llm_router.spec.conditions.feature_names import find_target
from llm_router.spec.conditions.feature_types import Declarations, Placement, features_of
from llm_router.spec.conditions.foreign import FOREIGN_JOINTS, FOREIGN_VALUES, NOTHINGS, Advice, called, misplaced
from llm_router.spec.conditions.lexer import Fault, Token, tokenize
from llm_router.spec.conditions.literals import HABIT, OPERATOR, STRUCTURE, SYNTAX, Scope, Target, Written
from llm_router.spec.conditions.operators import HABITS, MIRRORED, OPS, SYMBOLS, make_test
from llm_router.spec.refs import Environment
from llm_router.spec.source import Path, Source

_CLOSING = {"(": ")", "[": "]"}


def read_if(
    node: object,
    path: Path,
    source: Source,
    declarations: Declarations | Placement,
    report: Callable[[Diagnostic], None],
    *,
    environment: Environment | None = None,
) -> Condition:
    """The condition that the expression at `path` writes; what can't be read is reported and left out.

    Without an environment, references that have no default stay in the condition.
    """
    scope = Scope(declarations, features_of(declarations), report, environment)
    if not isinstance(node, str):
        advice = "write `when:` for a mapping" if isinstance(node, dict) else 'write `task == "code"`'
        scope.fault(STRUCTURE, "an expression is text", source.span(path), advice)
        return ALWAYS
    text = str(node)
    places = _Places(text, path, source)

    def fault(found: Fault) -> None:
        scope.fault(SYNTAX, found.message, places.between(found.start, found.end), found.help)

    return _Reader(text, tokenize(text, fault), places, scope).whole() or ALWAYS


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the characters of an expression stand in the file."""

    text: str
    path: Path
    source: Source

    def between(self, start: int, end: int) -> Span:
        """The span of the characters from `start` to `end`, exclusive."""
        whole = self.source.span(self.path)
        quotes = whole.end_column - whole.column - len(self.text)
        if whole.line != whole.end_line or quotes not in (0, 2):
            return self.source.text_span(self.path, min(start, max(len(self.text) - 1, 0)), end)
        first = whole.column + quotes // 2
        return Span(whole.file, whole.line, first + start, whole.line, first + max(end, start + 1))


class _Unreadable(Exception):
    """Something was reported; reading goes on after the next joint."""


@dataclass(slots=True)
class _Reader:
    """Walks the tokens once; `place` is the next to be read, `depth` the brackets and `not`s around it."""

    text: str
    tokens: tuple[Token, ...]
    places: _Places
    scope: Scope
    place: int = 0
    depth: int = 0

    @property
    def next(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.place]

    def whole(self) -> Condition | None:
        """The whole expression; `None` where nothing of it could be read."""
        if self._ended():
            self._fault(SYNTAX, Advice("the expression is empty", 'write `task == "code"`, or leave it out'), self.next)
            return None
        terms = [self._either()]
        while not self._ended():
            self._fault(SYNTAX, self._no_joint(), self.next)
            self._take()
            self._recover()
            terms.append(self._either() if self._joint("and") or self._joint("or") else None)
        return terms[0]

    def _either(self) -> Condition | None:
        terms = [self._both()]
        while self._joint("or"):
            terms.append(self._both())
        return joined(terms, AnyOf)

    def _both(self) -> Condition | None:
        terms = [self._negated()]
        while self._joint("and"):
            terms.append(self._negated())
        return joined(terms, All)

    def _negated(self) -> Condition | None:
        depth = self.depth
        while self._joint("not"):
            self.depth += 1
        negations = self.depth - depth
        try:
            found = self._bracketed() if self.next.text == "(" else self._predicate()
        except _Unreadable:
            self._recover()
            found = None
        self.depth = depth
        for _ in range(negations):
            found = found and Not(found)
        return found

    def _joint(self, word: str) -> bool:
        """Whether `word` comes next, in our spelling or, after a report, in another; if so it is taken."""
        token = self.next
        if token.kind not in ("name", "sign") or FOREIGN_JOINTS.get(token.text, token.text) != word:
            return False
        if token.text != word:
            self._fault(HABIT, Advice(f"`{token.text}` joins nothing here", f"write `{word}`"), token)
        self._take()
        return True

    def _bracketed(self) -> Condition | None:
        opening = self._take()
        self.depth += 1
        self._bear(opening)
        found = self._either()
        self._close(opening)
        return found

    def _bear(self, token: Token) -> None:
        """Fails where it goes too deep."""
        if self.depth > DEEPEST:
            advice = Advice(f"this nests more than {DEEPEST} deep", "write it as several rules")
            raise self._failed(SYNTAX, advice, token)

    def _close(self, opening: Token) -> None:
        closing = _CLOSING[opening.text]
        if self.next.text == closing:
            self._take()
        elif self.next.kind == "end":
            raise self._failed(SYNTAX, Advice(f"`{opening.text}` is never closed", f"add `{closing}`"), opening)
        else:
            raise self._failed(SYNTAX, self._no_joint(), self.next)

    def _predicate(self) -> Condition | None:
        name = self._take()
        self._bear(name)
        features = self.scope.features
        if name.kind != "name" or name.text in ("and", "or", *OPS):
            advice = misplaced(name, self.tokens[self.place :], features)
            raise self._failed(SYNTAX if name.kind in ("end", "sign", "name") else HABIT, advice, name)
        if self.next.text in _CLOSING:
            raise self._failed(HABIT, called(name, self.tokens[self.place :], features), name)
        target = find_target(name.text, self._span(name), self.scope)
        negated = self.next.text == "not" and self.tokens[self.place + 1].text in _NEGATED
        if negated:
            self._take()
        op = self._operator()
        if op is None:
            return self._alone(name, target)
        if negated and op == "in":
            return self._compared(name, target, "not")
        test = self._compared(name, target, op)
        if test is None or not negated:
            return test
        return replace(test, value=False) if op == "exists" else Not(test)

    def _operator(self) -> Op | None:
        """The operator that comes next; `None` where a joint, a bracket or the end does."""
        token = self.next
        if token.text in ("and", "or", ")", "") or token.text in FOREIGN_JOINTS or token.kind in ("text", "number"):
            return None
        self._take()
        if token.text == "is" and self.next.text == "not":
            self._take()
            return "not"
        op = SYMBOLS.get(token.text) or next((op for op in OPS if op == token.text), None)
        return op or self._foreign_operator(token)

    def _foreign_operator(self, token: Token) -> Op:
        meant = HABITS.get(token.text.lower()) or next((op for op in OPS if op == closest(token.text, OPS)), None)
        if meant is None:
            raise self._failed(OPERATOR, Advice(f"`{token.text}` is no operator", _OPERATORS), token)
        sign = MIRRORED.get(token.text, meant)
        self._fault(OPERATOR, Advice(f"`{token.text}` is no operator", f"did you mean `{sign}`?"), token)
        return meant

    def _alone(self, name: Token, target: Target | None) -> Condition | None:
        """A feature without an operator: a boolean one that is true."""
        if self.next.kind in ("text", "number"):
            advice = Advice(
                f"no operator stands between `{name.text}` and `{self.next.text}`", f"write `{name.text} == …`"
            )
            raise self._failed(SYNTAX, advice, self.next)
        if target is None:
            return None
        span = self._span(name)
        if target.type.kind == "boolean":
            return make_test(target, "is", Written(True, span, "true", "word"), self.scope, span=span, text=name.text)
        advice = Advice(f"`{name.text}` alone says nothing", f"compare it, or write `{name.text} exists`")
        raise self._failed(SYNTAX, advice, name)

    def _compared(self, name: Token, target: Target | None, op: Op) -> Test | None:
        written = self._values(op, name)
        if target is None:
            return None
        last = self.tokens[self.place - 1]
        text = self.text[name.start : last.end]
        return make_test(target, op, written, self.scope, span=self._span(name, last), text=text)

    def _values(self, op: Op, name: Token) -> Written:
        if op == "exists":
            return Written(True, self._span(name), "true", "word")
        if self.next.text in _CLOSING:
            return self._list()
        first = self._value(name)
        if op != "between" or not self._joint("and"):
            return first
        second = self._value(name)
        return self._several((first, second), f"{first.text} and {second.text}")

    def _list(self) -> Written:
        opening = self._take()
        items: list[Written] = []
        while self.next.text != _CLOSING[opening.text]:
            items.append(self._value(opening))
            if self.next.text == ",":
                self._take()
            elif self.next.text != _CLOSING[opening.text]:
                self._no_comma()
                break
        self._close(opening)
        closing = self.tokens[self.place - 1]
        text = self.text[opening.start : closing.end]
        return Written(None, self._span(opening, closing), text, "word", tuple(items))

    def _no_comma(self) -> None:
        """Fails where another value follows without a comma."""
        if self.next.kind in ("text", "number"):
            advice = Advice(f"no comma stands before `{self.next.text}`", "put commas between the values")
            raise self._failed(SYNTAX, advice, self.next)

    def _several(self, items: tuple[Written, ...], text: str) -> Written:
        first, last = items[0].span, items[-1].span
        span = Span(first.file, first.line, first.column, last.end_line, last.end_column)
        return Written(None, span, text, "word", items)

    def _value(self, before: Token) -> Written:
        token = self._take()
        span = self._span(token)
        if token.kind == "number":
            self._no_gap(token)
            return Written(token.value, span, token.text, "number")
        if token.kind == "text":
            return Written(token.value, span, token.text, "quoted")
        if token.kind == "name" and token.text not in ("and", "or", "not"):
            return self._word(token, before)
        if token.kind == "end":
            advice = Advice("the expression ends where a value belongs", f"write what `{before.text}` is compared with")
            raise self._failed(SYNTAX, advice, token)
        raise self._failed(
            SYNTAX, Advice(f"`{token.text}` stands where a value belongs", _VALUES.get(token.text, "")), token
        )

    def _no_gap(self, number: Token) -> None:
        """Fails where a number and its unit stand apart."""
        if self.next.text in ("k", "K", "m", "M", "%"):
            unit = self.next.text.lower().replace("m", "M")
            advice = Advice(f"`{number.text} {self.next.text}` has a gap in it", f"write `{number.text}{unit}`")
            raise self._failed(SYNTAX, advice, number)

    def _word(self, token: Token, before: Token) -> Written:
        """A value without quotes: true, false, or a word that something is said about."""
        if token.text in FOREIGN_VALUES:
            self._fault(HABIT, Advice(f"`{token.text}` is no value here", f"write `{token.text.lower()}`"), token)
            return Written(FOREIGN_VALUES[token.text], self._span(token), token.text, "word")
        if token.text in NOTHINGS:
            advice = Advice(f"nothing equals `{token.text}`", f"write `not {before.text} exists`")
            raise self._failed(HABIT, advice, token)
        if token.text in self.scope.features or token.text.startswith(("env.", "metadata.", "spent.")):
            advice = Advice(f"`{before.text}` can't be compared with another feature, `{token.text}`", "write a value")
            raise self._failed(SYNTAX, advice, token)
        value = {"true": True, "false": False}.get(token.text, token.text)
        return Written(value, self._span(token), token.text, "word")

    def _ended(self) -> bool:
        return self.next.kind == "end"

    def _take(self) -> Token:
        token = self.next
        self.place += token.kind != "end"
        return token

    def _recover(self) -> None:
        """Passes over what belongs to the predicate that couldn't be read."""
        opened = 0
        while not self._ended():
            if not opened and (self.next.text in ("and", "or", ")") or self.next.text in FOREIGN_JOINTS):
                return
            opened += (self.next.text in _CLOSING) - (self.next.text in _CLOSING.values())
            opened = max(opened, 0)
            self._take()

    def _no_joint(self) -> Advice:
        if self.next.text in _CLOSING.values():
            return Advice(f"`{self.next.text}` closes nothing", "take it away")
        return Advice(f"no `and` or `or` stands before `{self.next.text}`", "join conditions with `and` or `or`")

    def _span(self, first: Token, last: Token | None = None) -> Span:
        return self.places.between(first.start, (last or first).end)

    def _fault(self, code: str, advice: Advice, token: Token) -> None:
        self.scope.fault(code, advice.message, self._span(token), advice.help)

    def _failed(self, code: str, advice: Advice, token: Token) -> _Unreadable:
        self._fault(code, advice, token)
        return _Unreadable()


_NEGATED = tuple(op for op in OPS if op not in ("is", "not"))
_OPERATORS = f"operators are {', '.join((*SYMBOLS, *OPS))}"
_VALUES = {
    "$": 'write references in quotes: `"${env:NAME}"`',
    "{": 'write references in quotes: `"${env:NAME}"`',
    "/": '`matches` takes a glob in quotes, such as `"*.py"`',
    "=": "write `==`",
    "-": "names may contain `-`; conditions don't calculate",
}
