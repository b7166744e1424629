"""The sections about where money heads: this month, and the budgets."""

from __future__ import annotations

import datetime
import itertools
import math
from zoneinfo import ZoneInfo

from llm_router.report.blocks import chart, empty, key_of, section, usd
from llm_router.report.charts import Frame, Line, lines, meter
from llm_router.report.days import long, short
from llm_router.report.figures import axis_money, money, share
from llm_router.report.markup import Html, join, name, tag
from llm_router.report.values import Course, Report, Standing

STATES = {"ok": "", "warning": "nearly spent", "spent": "spent"}


def month(report: Report) -> Html:
    """What this month has cost so far, day by day, and what it will have at its end."""
    course = report.month
    if course is None:
        return Html("")
    title = f"{course.first:%B} so far: {usd(sum(course.spent))}"
    under = "A projection needs one full day."
    if course.pace is not None and course.ahead is not None:
        under = f"At {usd(course.pace)} a day, as on the last full days, it ends at about {usd(course.ahead)}."
    cap = _cap(report, course)
    drawn = lines(
        Frame("month", title, f"USD since the month began. {under}", _ticks(course), axis_money),
        _growing(course),
        level=None if cap is None else cap.amount,
        level_name="" if cap is None else f"budget {cap.name}: {usd(cap.amount)}",
    )
    sums = itertools.accumulate(course.spent)
    rows = [(long(_day(course, at)), money(course.spent[at]), money(total)) for at, total in enumerate(sums)]
    return section("month", title, under, chart(drawn, ("day", "USD", "since the 1st"), rows))


def budgets(report: Report) -> Html:
    """All budgets, with how far each is used up."""
    if not report.current:
        return Html("")
    if not report.budgets:
        code = tag("code", "budgets: [{name: monthly, amount: 50 USD, every: month}]")
        text = join(("With ", code, " in the spec, no more than that is ever spent."))
        return section("budgets", "Budgets", "", empty("No budget is declared.", text))
    spent = [each.name for each in report.budgets if each.state == "spent"]
    under = f"Spent: {', '.join(spent)}." if spent else "All have money left."
    zone = ZoneInfo(report.days.timezone)
    return section("budgets", "Budgets", under, *(_budget(each, zone) for each in report.budgets), long=True)


def _budget(budget: Standing, zone: ZoneInfo) -> Html:
    state = tag("span", STATES[budget.state], class_=f"state {budget.state}") if STATES[budget.state] else ""
    head = tag("h3", name(budget.name), state)
    body = _whole(budget, zone) if budget.per is None else _apart(budget)
    return tag("div", head, *body, class_="budget")


def _whole(budget: Standing, zone: ZoneInfo) -> tuple[Html, ...]:
    """A budget with one account: its meter, and how it burns down."""
    gone = budget.spent / budget.amount
    title = f"{budget.name}: {usd(budget.spent)} of {usd(budget.amount)}"
    colour = "bad" if budget.state == "spent" else "c1"
    full = meter([(gone, colour), (budget.held / budget.amount, "held")], budget.warn_at, title)
    held = f", {usd(budget.held)} held by requests under way" if budget.held else ""
    amounts = tag("b", f"{usd(budget.spent)} of {usd(budget.amount)}")
    text = tag("p", amounts, f" {budget.window} ({share(budget.spent, budget.amount)}){held}. ", _outlook(budget, zone))
    return (full, text, *([] if budget.course is None else [_burning(budget, budget.course)]))


def _apart(budget: Standing) -> tuple[Html, ...]:
    """A budget with an account for each value of a feature: the fullest ones."""
    each = tag("p", tag("b", f"{usd(budget.amount)} {budget.window}"), " for each ", tag("code", budget.per or ""), ".")
    if not budget.fullest:
        return (each, tag("p", "The ledger tells of none of them."))
    return (each, *(_account(budget, value, spent) for value, spent in budget.fullest))


def _account(budget: Standing, value: str, spent: int) -> Html:
    full = spent >= budget.amount
    title = f"{value or 'nobody said'}: {usd(spent)} of {usd(budget.amount)}"
    drawn = meter([(spent / budget.amount, "bad" if full else "c1")], budget.warn_at, title)
    return tag("div", drawn, tag("p", name(value, "nobody said"), f": {usd(spent)} ({share(spent, budget.amount)})"))


def _outlook(budget: Standing, zone: ZoneInfo) -> str:
    """When the window ends, and whether the money lasts until then."""
    if math.isinf(budget.ends) or budget.window.startswith("in the last"):
        return ""
    ends = f"It begins anew on {_moment(budget.ends, zone)}."
    course = budget.course
    if course is None or not course.pace or budget.state == "spent":
        return ends
    days = (budget.amount - budget.spent) / course.pace
    if len(course.spent) + days >= course.days:
        return f"{ends} At {usd(course.pace)} a day it lasts."
    last = course.first + datetime.timedelta(days=len(course.spent) - 1 + math.ceil(days))
    return f"{ends} At {usd(course.pace)} a day it is spent on {short(last)}."


def _moment(at: float, zone: ZoneInfo) -> str:
    moment = datetime.datetime.fromtimestamp(at, zone)
    return long(moment.date()) + (f", {moment:%H:%M}" if (moment.hour, moment.minute) != (0, 0) else "")


def _burning(budget: Standing, course: Course) -> Html:
    """What is left, day by day: from what is left now back to the whole amount."""
    left = _left(budget, course)
    key, title = key_of(f"burn {budget.name}"), f"{budget.name}: what is left"
    label = "" if budget.state == "spent" else f"{usd(left[-1])} left"
    line = Line([(at / course.days, value) for at, value in enumerate(left)], "so-far", label)
    drawn = lines(Frame(key, title, f"USD left by day. {label}", _ticks(course), axis_money), [line])
    rows = [(long(_day(course, at)), money(spent), money(left[at + 1])) for at, spent in enumerate(course.spent)]
    return chart(drawn, ("day", "USD", "left"), rows)


def _left(budget: Standing, course: Course) -> list[int]:
    """What was left when the window began, and after each day. What was asked before the budget was doesn't count."""
    back = itertools.accumulate(reversed(course.spent), initial=budget.amount - budget.spent)
    return [max(0, min(budget.amount, value)) for value in back][::-1]


def _growing(course: Course) -> list[Line]:
    sums = [(at / course.days, total) for at, total in enumerate(itertools.accumulate(course.spent, initial=0))]
    drawn = [Line(sums, "so-far")]
    if course.ahead is not None and len(course.spent) < course.days:
        drawn.append(Line([sums[-1], (1.0, course.ahead)], "ahead", f"about {usd(course.ahead)}"))
    return drawn


def _cap(report: Report, course: Course) -> Standing | None:
    """A budget that caps just what the course shows."""
    caps = (each for each in report.budgets if each.course is not None)
    return next((each for each in caps if each.course == course), None)


def _ticks(course: Course) -> list[str]:
    return [short(_day(course, at)) for at in range(course.days)]


def _day(course: Course, at: int) -> datetime.date:
    return course.first + datetime.timedelta(days=at)
