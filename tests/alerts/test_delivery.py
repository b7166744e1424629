"""How alerts reach their places: signed, tried again, dropped when there are too many, and never waited for."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typing_extensions import override

from llm_router.alerts.calm import QUIET_S
from llm_router.alerts.desk import Desk
from llm_router.alerts.outbox import CAPACITY, Outbox
from llm_router.engine.events import BudgetSpent, BudgetWarning, HealthChanged
from llm_router.errors import StoreDown
from llm_router.policy.alerting import BoundAlert, LogLine, Mailbox, Place, Webhook
from llm_router.policy.program import AlertEvent
from llm_router.policy.secret import Secret
from llm_router.state.accounts import Accounts
from llm_router.state.health import StateChange
from llm_router.state.memory import MemoryStore
from llm_router.testing import VirtualClock
from tests.alerts.places import Delivery, Receiver, receiver

USD = 10**12
SECRET = "whsec-π-planted"
WARNING = BudgetWarning("month & <more>", 41 * USD, 50 * USD, 1_790_006_400.0)
ALL: frozenset[AlertEvent] = frozenset({"budget_warning", "budget_spent", "deployment_down", "deployment_up"})


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    """Let the threads of a test end before the next begins."""
    yield
    for thread in threading.enumerate():
        if thread.name == "llm-router alerts":
            thread.join(60)
            assert not thread.is_alive()


def desk(*places: Place, accounts: Accounts | None = None) -> Desk:
    made = Desk(pauses_s=(0.0, 0.0))
    made.use(tuple(BoundAlert(ALL, place) for place in places), accounts or Accounts())
    return made


def webhook(here: Receiver, path: str = "/hook", secret: str | None = None) -> Webhook:
    return Webhook(Secret(here.url + path), None if secret is None else Secret(secret))


def down(name: str = "gpt") -> HealthChanged:
    return HealthChanged(name, StateChange(f"id-{name}", "degraded", "cooling", "unavailable", 30.0))


def is_genuine(delivery: Delivery, secret: str) -> bool:
    """What a receiver does: the signature, over timestamp, full stop and body; and the age."""
    timestamp = delivery.headers["llm-router-timestamp"]
    expected = hmac.new(secret.encode(), timestamp.encode() + b"." + delivery.body, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(timestamp)) < 300
    return fresh and hmac.compare_digest(delivery.headers["llm-router-signature"], f"v1={expected}")


def test_a_webhook_gets_json_as_slack_takes_it_with_fields_for_programs() -> None:
    with receiver() as here:
        office = desk(webhook(here, "/services/T0?x=1"))
        office(WARNING)
        office.close()
    (got,) = here.got
    assert (got.path, got.headers["content-type"]) == ("/services/T0?x=1", "application/json")
    at = got.said.pop("at")
    assert at.startswith("20")
    assert at.endswith("Z")
    assert got.said | {"at": 0} == {
        "text": "budget `month &amp; &lt;more&gt;`: 82% of 50 USD is spent; the window ends at 2026-09-21T16:00:00Z",
        "event": "budget_warning",
        "at": 0,
        "budget": "month & <more>",
        "share": 0.82,
        "spent_usd": "41",
        "amount_usd": "50",
        "window_ends": "2026-09-21T16:00:00Z",
    }
    assert "llm-router-signature" not in got.headers


def test_a_receiver_can_tell_that_a_signed_one_is_genuine() -> None:
    with receiver() as here:
        office = desk(webhook(here, secret=SECRET))
        office(WARNING)
        office.close()
    (got,) = here.got
    assert is_genuine(got, SECRET)
    assert not is_genuine(got, "another")
    assert not is_genuine(Delivery(got.path, got.headers, got.body.replace(b"41", b"42")), SECRET)


def test_user_and_password_of_an_address_are_sent_as_they_should_be() -> None:
    with receiver() as here:
        address = here.url.replace("//", "//me:p%40ss@")
        office = desk(Webhook(Secret(address)))
        office(WARNING)
        office.close()
    assert here.got[0].headers["authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    ("statuses", "tries"),
    [
        pytest.param([500, 500], 3, id="until it is taken"),
        pytest.param([429], 2, id="a limit"),
        pytest.param([503, 503, 503], 3, id="three times at most"),
        pytest.param([404], 1, id="not what will be refused again"),
        pytest.param([302], 1, id="nor elsewhere"),
        pytest.param([204], 1, id="any good status will do"),
    ],
)
def test_what_fails_is_tried_again(statuses: list[int], tries: int) -> None:
    with receiver(statuses) as here:
        office = desk(webhook(here))
        office(WARNING)
        office.close()
    assert len(here.got) == tries
    assert len({each.body for each in here.got}) == 1


@pytest.mark.parametrize("statuses", [[404], [500, 500, 500]])
def test_what_never_arrives_is_a_warning_without_the_address(
    statuses: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with receiver(statuses) as here:
        office = desk(webhook(here, "/services/planted-token", secret=SECRET))
        office(WARNING)
        office.close()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"the alert budget_warning wasn't delivered: the webhook at `127.0.0.1` answered {statuses[-1]}"
    )


def test_nobody_there_is_a_warning_too(caplog: pytest.LogCaptureFixture) -> None:
    with receiver() as here:
        address = f"{here.url}/planted-token"
    office = desk(Webhook(Secret(address)), LogLine())
    office(WARNING)
    office.close()
    first, second = (record.getMessage() for record in caplog.records)
    assert "no connection to `127.0.0.1:" in first
    assert "planted" not in first
    assert second.startswith("budget `month & <more>`")


def test_nobody_waits_for_a_slow_webhook_and_what_is_too_much_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    with receiver(held=True) as here:
        office = desk(webhook(here))
        office(WARNING)
        assert here.arrived.acquire(timeout=60)
        for number in range(CAPACITY + 50):
            office(BudgetSpent(f"b{number}", USD, USD))
        assert len(here.got) == 1  # who waited would have waited for another try
        assert [record.getMessage() for record in caplog.records] == [
            f"{CAPACITY} alerts wait to be delivered: new ones are dropped"
        ]
        here.open.set()
        office.close()
    assert [each.said["budget"] for each in here.got[1:]] == [f"b{number}" for number in range(CAPACITY)]


def test_closing_leaves_what_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    with receiver(held=True) as here:
        outbox = desk(webhook(here))
        outbox(WARNING)
        outbox(BudgetSpent("b", USD, USD))
        assert here.arrived.acquire(timeout=60)
        outbox._outbox.close(0.05)
    assert "2 alerts weren't delivered in the time that closing leaves" in caplog.messages
    assert len(here.got) == 1


def test_closing_ends_the_pauses() -> None:
    with receiver([500, 500]) as here:
        office = Desk(pauses_s=(3600.0, 3600.0))
        office.use((BoundAlert(ALL, webhook(here)),), Accounts())
        office(WARNING)
        assert here.arrived.acquire(timeout=60)
        office.close()
    assert len(here.got) == 3


def test_no_thread_is_left_when_there_is_nothing_to_deliver() -> None:
    with receiver() as here:
        office = desk(webhook(here))
        assert not office._outbox.busy
        office(WARNING)
        office.close()
        assert not office._outbox.busy
    Outbox().close()


async def test_an_event_loop_goes_on_while_it_closes() -> None:
    with receiver() as here:
        office = desk(webhook(here))
        office(WARNING)
        await office.aclose()
        await office.aclose()
    assert here.events == ["budget_warning"]


class Down(MemoryStore):
    """A store that can't be reached."""

    @override
    def once(self, key: str, *, until: float, now: float) -> bool:
        raise StoreDown("redis://x", "it is down")


@pytest.mark.parametrize(
    ("accounts", "times"),
    [
        pytest.param(lambda: (both := Accounts(), both), 1, id="one store"),
        pytest.param(lambda: (Accounts(), Accounts()), 2, id="two stores"),
        pytest.param(lambda: (both := Accounts(Down()), both), 2, id="none that can be reached"),
    ],
)
def test_what_several_find_out_is_told_by_the_first(
    accounts: Callable[[], tuple[Accounts, Accounts]], times: int
) -> None:
    with receiver() as here:
        for each in accounts():
            office = desk(webhook(here), accounts=each)
            office(down())
            office(down("other"))
            office.close()
    assert here.events == ["deployment_down"] * 2 * times


def test_only_what_was_asked_for_is_told_and_each_place_once() -> None:
    with receiver() as here:
        office = Desk(pauses_s=())
        only = BoundAlert(frozenset({"deployment_up"}), webhook(here, "/up"))
        office.use((only, BoundAlert(ALL, webhook(here)), BoundAlert(ALL, webhook(here))), Accounts())
        office(down())
        office(HealthChanged("gpt", StateChange("id-gpt", "cooling", "ok", None, None)))
        office.close()
    assert [(each.path, each.said["event"]) for each in here.got] == [
        ("/hook", "deployment_down"),
        ("/up", "deployment_up"),
        ("/hook", "deployment_up"),
    ]


def test_what_was_put_off_is_told_by_the_next_event_that_comes_late_enough() -> None:
    clock = VirtualClock()
    up = HealthChanged("gpt", StateChange("id-gpt", "cooling", "ok", None, None))
    with receiver() as here:
        office = Desk(monotonic=clock.monotonic, wall=clock, pauses_s=())
        office.use((BoundAlert(ALL, webhook(here)),), Accounts())
        for event in (down(), up, down(), up, down()):
            office(event)
        clock.advance(QUIET_S)
        office(WARNING)
        office.close()
    told = ["deployment_down", "deployment_up", "budget_warning", "deployment_down"]
    assert [each.said["event"] for each in here.got] == told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_process_delivers_its_own_and_not_its_parents() -> None:
    with receiver(held=True) as here:
        office = desk(webhook(here))
        office(WARNING)
        office(WARNING)
        assert here.arrived.acquire(timeout=60)
        child = os.fork()
        if child == 0:
            here.open.set()
            office(BudgetSpent("the child's", USD, USD))
            office.close()
            os._exit(0)
        assert here.arrived.acquire(timeout=60)
        here.open.set()
        os.waitpid(child, 0)
        office.close()
    assert sorted(here.events) == ["budget_spent", "budget_warning", "budget_warning"]


def test_nothing_shows_an_address_or_a_secret() -> None:
    places: list[Any] = [
        Webhook(Secret("https://hooks.example/planted"), Secret("planted")),
        Mailbox(("a@example.com",), Secret("smtp://u:planted@mail.example")),
    ]
    assert "planted" not in repr([BoundAlert(ALL, place) for place in places])
