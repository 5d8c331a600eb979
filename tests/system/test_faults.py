"""Servers and networks that fail: each fault alone and all of them mixed, now and then and for good.

Nothing wrong is ever visible, what cannot be had is named, and no run answers trouble with a storm of requests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.app.sync import NOT_WHOLE
from mirror.checksum import MIB
from mirror.engine.events import Retried
from mirror.errors import BrokenTransferError, ExitCode, MirrorError, SlowDownError
from tests.faults import (
    BUCKET,
    Ask,
    Cut,
    Drip,
    Fault,
    Garble,
    ListCut,
    ListLoop,
    ListRepeat,
    ListStray,
    ListUnsorted,
    OddServer,
    Refuse,
    Replace,
    Reset,
    Short,
    Stall,
    Stored,
    Whole,
    WrongEtag,
    WrongRange,
    applies,
    at_times,
    no_fault,
    run_odd_server,
)
from tests.system.invariants import nothing_left_over
from tests.system.oddlab import ODD, QUICK, OddLab, Outcome, make_oddlab, volumes_dataset

CONTAINER = f"{ODD}/{ODD}.n5/"
FINE = f"{CONTAINER}volumes/raw/s0/"
GRIDS = {"volumes/raw/s0": (5, 4, 4), "volumes/raw/s1": (2, 2, 2), "labels/seg/s0": (2, 2, 2)}
OBJECTS = volumes_dataset(GRIDS)
BLOCK = f"{FINE}2/1/3"
TRIES = QUICK.attempts
READ_SECONDS = 5.0
"""Silence after which an answer is given up; a busy machine is silent for a while, too."""
LITTLE_SECONDS = 0.5
"""The same, where answers stall: each costs it."""

NOT_THERE = Refuse(404, "NoSuchKey")
ERROR = Refuse(500, "InternalError")
PASSING: dict[str, Fault] = {
    "slow down": Refuse(),
    "internal error": ERROR,
    "breaks off": Cut(),
    "reset": Reset(),
    "short": Short(),
    "wrong bytes": Garble(),
    "wrong etag": WrongEtag(),
    "drips": Drip(0.1),
    "replaced": Replace(),
    "replaced by a longer one": Replace(9),
    "list cut": ListCut(),
    "list repeats": ListRepeat(),
    "list repeats its token": ListLoop(),
    "list unsorted": ListUnsorted(),
    "list of another prefix": ListStray(),
}
"""What a second try gets over."""


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys, with a dataset in its bucket; its listings come in small pages."""
    with run_odd_server() as running:
        for key, body in OBJECTS.items():
            running.put(key, body)
        running.page_keys = 7
        yield running


@pytest.fixture
def make_lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> Callable[[float], OddLab]:
    """Make a lab that mirrors from it, with so much patience for a silent answer (seconds)."""
    return lambda seconds: make_oddlab(
        tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog, read_timeout_seconds=seconds
    )


@pytest.fixture
def lab(make_lab: Callable[[float], OddLab]) -> OddLab:
    """A lab with the patience that a busy machine needs."""
    return make_lab(READ_SECONDS)


def all_is_there(server: OddServer, lab: OddLab) -> None:
    """Check that the share has the bucket's objects as they are now, that all is recorded, and nothing is left over."""
    objects = {key: stored.body for key, stored in server.objects.items()}
    assert lab.files() == objects
    assert set(lab.proofs()) == set(objects)
    nothing_left_over(lab)
    server.fault = no_fault
    again = lab.mirror(dry_run=True, verify_share=True)
    assert (again.report.planned.objects, again.report.adopted.objects) == (0, 0)


def no_storm(server: OddServer) -> None:
    """Check that requests are at most three for each object, and three for each page of a listing."""
    n_requests = len(server.asked("GET")) + len(server.asked("HEAD"))
    assert n_requests <= 3 * len(server.objects)
    assert len(server.listings()) <= 3 * len({ask.query for ask in server.listings()})


def goes_on(server: OddServer, lab: OddLab) -> Outcome:
    """Run again, now that nothing fails; check that all is there then, and return what that run did."""
    server.fault = no_fault
    outcome = lab.mirror(policy=QUICK)
    assert outcome.exit_code is ExitCode.DONE
    all_is_there(server, lab)
    return outcome


# One answer in four


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_fault_of_one_answer_in_four(server: OddServer, lab: OddLab, fault: Fault) -> None:
    """The run gets over it: every file is right, nothing is named as failed, and there is no storm of requests."""
    server.fault = at_times(fault)
    outcome = lab.mirror(policy=QUICK)
    assert len(server.met) > 5
    assert (outcome.exit_code, outcome.failed) == (ExitCode.DONE, {})
    assert outcome.report.planned.objects == outcome.report.transferred.objects == len(OBJECTS)
    no_storm(server)
    all_is_there(server, lab)


def test_stalls_of_one_answer_in_four(server: OddServer, make_lab: Callable[[float], OddLab]) -> None:
    """An answer that falls silent is given up after the read time-out, and asked for again."""
    lab = make_lab(LITTLE_SECONDS)
    server.fault = at_times(Stall(), to=lambda ask: not ask.key.startswith(FINE))
    outcome = lab.mirror(policy=QUICK)
    assert len(server.met) > 5
    assert (outcome.exit_code, outcome.failed) == (ExitCode.DONE, {})
    no_storm(server)
    all_is_there(server, lab)


def test_objects_that_are_gone_after_the_list(server: OddServer, lab: OddLab) -> None:
    """Each is named, none is asked for twice, its level stays shut, and all others are there: exit 4."""
    server.fault = at_times(NOT_THERE, to=lambda ask: not ask.key.endswith(".json"))
    outcome = lab.mirror(policy=QUICK)
    gone = {ask.key for ask, _ in server.met}
    assert len(gone) > 5
    assert (outcome.exit_code, set(outcome.failed)) == (ExitCode.INCOMPLETE, gone)
    shut = {f"{CONTAINER}{path}/attributes.json" for path in GRIDS if any(f"/{path}/" in key for key in gone)}
    assert outcome.skipped == dict.fromkeys(shut, NOT_WHOLE)
    assert lab.files() == {key: body for key, body in OBJECTS.items() if key not in gone | shut}
    assert max(len(server.asked("GET", key)) for key in gone) == 1
    assert goes_on(server, lab).report.transferred.objects == len(gone | shut)


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(n, marks=pytest.mark.soak) for n in range(3, 100))])
def test_all_faults_mixed(server: OddServer, lab: OddLab, seed: int) -> None:
    """With one answer in four bad in any way, files are right, and what is not there is named; the next run ends it."""
    server.fault = at_times(*PASSING.values(), NOT_THERE, seed=seed)
    outcome = lab.mirror(policy=QUICK)
    not_there = {ask.key for ask, fault in server.met if fault == NOT_THERE}
    assert set(outcome.failed) <= not_there
    assert outcome.exit_code is (ExitCode.INCOMPLETE if outcome.failed else ExitCode.DONE)
    missing = set(outcome.failed) | set(outcome.skipped)
    assert lab.files() == {key: stored.body for key, stored in server.objects.items() if key not in missing}
    no_storm(server)
    nothing_left_over(lab)
    goes_on(server, lab)


def test_a_burst_of_slow_down(server: OddServer, lab: OddLab) -> None:
    """A server that refuses everything for a while is asked again with patience, and all comes."""
    start = 60
    server.fault = lambda _: Refuse() if start < len(server.asks) <= start + len(OBJECTS) // 2 else None
    outcome = lab.mirror(policy=QUICK)
    assert len(server.met) == len(OBJECTS) // 2
    assert (outcome.exit_code, outcome.failed) == (ExitCode.DONE, {})
    no_storm(server)
    all_is_there(server, lab)


# For good


FOR_GOOD: dict[str, Fault] = {
    "slow down": Refuse(),
    "internal error": ERROR,
    "denied": Refuse(403, "AccessDenied"),
    "not there": NOT_THERE,
    "breaks off": Cut(),
    "reset": Reset(),
    "stalls": Stall(),
    "short": Short(),
    "wrong bytes": Garble(),
    "wrong etag": WrongEtag(),
}


@pytest.mark.parametrize("fault", FOR_GOOD.values(), ids=FOR_GOOD.keys())
def test_a_block_that_never_comes(server: OddServer, make_lab: Callable[[float], OddLab], fault: Fault) -> None:
    """It is named with exit 4 after as many tries as the policy has, all others are there, and its level stays shut."""
    lab = make_lab(LITTLE_SECONDS if isinstance(fault, Stall) else READ_SECONDS)
    server.fault = lambda ask: fault if ask.key == BLOCK and applies(fault, ask) else None
    outcome = lab.mirror(policy=QUICK)
    shut = f"{FINE}attributes.json"
    assert (outcome.exit_code, set(outcome.failed)) == (ExitCode.INCOMPLETE, {BLOCK})
    assert f"s3://{BUCKET}/{BLOCK}" in outcome.failed[BLOCK]
    assert set(outcome.skipped) == {shut}
    assert lab.files() == {key: body for key, body in OBJECTS.items() if key not in {BLOCK, shut}}
    is_final = fault in (NOT_THERE, FOR_GOOD["denied"])
    assert len(server.asked("GET", BLOCK)) == (1 if is_final else TRIES)
    no_storm(server)
    nothing_left_over(lab)
    assert goes_on(server, lab).report.transferred.objects == 2


LISTS_FOR_GOOD: dict[str, tuple[Fault, str]] = {
    "cut": (ListCut(), "cannot read the listing"),
    "breaks off": (Cut(), "listing broke off"),
    "reset": (Reset(), "listing broke off"),
    "repeats its token": (ListLoop(), "the listing does not come to its end"),
    "of another prefix": (ListStray(), "the listing tells what was not asked for"),
    "internal error": (ERROR, "cannot list"),
    "slow down": (Refuse(), "the server asks to slow down"),
}


@pytest.mark.parametrize(("fault", "words"), LISTS_FOR_GOOD.values(), ids=LISTS_FOR_GOOD.keys())
def test_a_folder_that_cannot_be_listed(server: OddServer, lab: OddLab, fault: Fault, words: str) -> None:
    """The run ends with 1 and a sentence that names the folder, and has written nothing: no plan is made of half."""
    server.fault = lambda ask: fault if ask.prefix.startswith(FINE) else None
    with pytest.raises(MirrorError, match=words) as told:
        lab.mirror(policy=QUICK)
    assert told.value.exit_code is ExitCode.FAILED
    assert isinstance(told.value, BrokenTransferError | SlowDownError)
    assert FINE in str(told.value)
    assert max(ask.again for ask in server.listings()) == TRIES
    assert not lab.mirrored.exists()
    nothing_left_over(lab)
    goes_on(server, lab)


@pytest.mark.parametrize("fault", [ListRepeat(), ListUnsorted()], ids=["repeats", "unsorted"])
def test_listings_that_are_always_odd(server: OddServer, lab: OddLab, fault: Fault) -> None:
    """Keys that come twice or in another order than S3's are planned once, fetched once, and recorded."""
    server.fault = lambda ask: fault if not ask.key else None
    outcome = lab.mirror(policy=QUICK)
    assert outcome.exit_code is ExitCode.DONE
    assert outcome.report.planned.objects == outcome.report.transferred.objects == len(OBJECTS)
    assert len(server.asked("GET", BLOCK)) == 1
    again = lab.mirror()
    assert (again.report.planned.objects, again.report.up_to_date.objects) == (0, len(OBJECTS))
    all_is_there(server, lab)


def test_a_document_that_is_damaged_twice_the_same(server: OddServer, lab: OddLab) -> None:
    """A level's metadata that come wrong are not kept: the next run knows the level again."""
    metadata = f"{FINE}attributes.json"
    server.fault = lambda ask: Garble() if ask.key == metadata else None
    outcome = lab.mirror(policy=QUICK)
    assert set(outcome.failed) == {metadata}
    assert set(lab.files()) == set(OBJECTS) - {metadata}
    assert goes_on(server, lab).report.transferred.objects == 1
    server.forget()
    assert lab.mirror().report.up_to_date.objects == len(OBJECTS)
    assert server.asked("GET") == []


def test_the_command_names_what_failed(server: OddServer, lab: OddLab) -> None:
    """`oomirror sync --json` exits with 4 and lists each key with its path and reason; there is no traceback."""
    server.fault = lambda ask: NOT_THERE if ask.key == BLOCK else None
    done = lab.run("sync", ODD, "--json")
    assert done.returncode == ExitCode.INCOMPLETE
    (failed,) = json.loads(done.stdout)["failed"]
    assert (failed["key"], failed["path"]) == (BLOCK, f"{BUCKET}/{BLOCK}")
    assert "not there" in failed["reason"]
    assert "Traceback" not in done.stderr


# Ranges of large objects


BIG = Stored(b"".join(n.to_bytes(4, "big") for n in range((17 * MIB + 12_345) // 4)))
UNPROVEN = Stored(BIG.body, "0123456789abcdef0123456789abcdef", headers={"x-amz-server-side-encryption": "aws:kms"})
"""Nothing but its length can be compared: a range at a wrong place would stay."""
RANGE_SECONDS = 3.0
"""Silence after which a range is given up: on a busy machine, megabytes take their time."""
OF_RANGES: dict[str, tuple[Fault, ...]] = {
    "another range": (WrongRange(7), WrongRange(0, MIB), WrongRange(7, 5 * MIB)),
    "no range": (Whole(),),
    "mixed": (WrongRange(7, 5 * MIB), Whole(), Cut(), Reset(), Stall(), Short(), Refuse(), ERROR),
}


@pytest.mark.parametrize("faults", OF_RANGES.values(), ids=OF_RANGES.keys())
def test_ranges_that_come_wrong(
    server: OddServer, make_lab: Callable[[float], OddLab], faults: tuple[Fault, ...]
) -> None:
    """A range that is not what was asked for is fetched again, and never written where it does not belong."""
    lab = make_lab(RANGE_SECONDS)
    server.objects |= {f"{ODD}/big": BIG, f"{ODD}/unproven": UNPROVEN}
    server.fault = at_times(*faults, per_cent=50, to=lambda ask: bool(ask.range))
    outcome = lab.mirror(policy=QUICK)
    assert len(server.met) > 2
    assert (outcome.exit_code, outcome.failed) == (ExitCode.DONE, {})
    no_storm(server)
    all_is_there(server, lab)


@pytest.mark.parametrize("fault", [WrongRange(7, 5 * MIB), Whole()], ids=["another range", "no range"])
def test_a_server_that_cannot_give_ranges(server: OddServer, make_lab: Callable[[float], OddLab], fault: Fault) -> None:
    """Large objects are named with exit 4, each after as many tries as the policy has; all others are there."""
    lab = make_lab(RANGE_SECONDS)
    server.objects |= {f"{ODD}/big": BIG, f"{ODD}/unproven": UNPROVEN}
    server.fault = lambda ask: fault if ask.range else None
    outcome = lab.mirror(policy=QUICK)
    assert (outcome.exit_code, set(outcome.failed)) == (ExitCode.INCOMPLETE, {f"{ODD}/big", f"{ODD}/unproven"})
    assert lab.files() == OBJECTS
    assert max(ask.again for ask in server.asks if ask.range) <= TRIES
    nothing_left_over(lab)
    goes_on(server, lab)


# Slow and silent answers beside others


def test_a_slow_answer_is_waited_for(server: OddServer, make_lab: Callable[[float], OddLab]) -> None:
    """One that drips for longer than the read time-out, without a silence of that length, is no fault."""
    lab = make_lab(1.5)
    server.fault = lambda ask: Drip(2.0, 8) if ask.key == BLOCK else None
    outcome = lab.mirror(policy=QUICK)
    assert outcome.exit_code is ExitCode.DONE
    assert len(server.asked("GET", BLOCK)) == 1
    assert not any(isinstance(event, Retried) for event in outcome.events)
    all_is_there(server, lab)


HOLD_UP_SECONDS = 3.0


@pytest.mark.parametrize("fault", [Drip(HOLD_UP_SECONDS, 12), Stall()], ids=["drips", "stalls"])
def test_one_slow_answer_holds_up_no_other(
    server: OddServer, make_lab: Callable[[float], OddLab], fault: Fault
) -> None:
    """While one object trickles or hangs, all others but its level's metadata come, and are recorded."""
    lab = make_lab(HOLD_UP_SECONDS)
    slow = f"{FINE}0/0/0"
    server.fault = lambda ask: fault if ask.key == slow and ask.number == 1 else None
    recorded: list[int] = []
    clock = threading.Timer(HOLD_UP_SECONDS * 0.8, lambda: recorded.append(len(lab.proofs())))
    server.on_ask = lambda ask: clock.start() if ask.key == slow and ask.number == 1 else None
    outcome = lab.mirror(policy=QUICK, concurrency=32)
    clock.join()
    assert outcome.exit_code is ExitCode.DONE
    assert recorded == [len(OBJECTS) - 2]


# A network that goes away


def test_an_outage_in_the_middle(server: OddServer, lab: OddLab) -> None:
    """When the endpoint that was there refuses connections for a while, the run waits and goes on to its end."""
    server.on_ask = lambda ask: server.go_away(2.0) if ask.key == BLOCK and ask.number == 1 else None
    outcome = lab.mirror(policy=QUICK)
    assert (outcome.exit_code, outcome.failed) == (ExitCode.DONE, {})
    all_is_there(server, lab)


def test_an_outage_while_it_lists(server: OddServer, lab: OddLab) -> None:
    """Also before there is a plan: what was listed is not listed again."""
    away: list[Ask] = []

    def go_away(ask: Ask) -> None:
        """Be out of reach, once."""
        if ask.prefix == FINE and not away:
            away.append(ask)
            server.go_away(2.0)

    server.on_ask = go_away
    outcome = lab.mirror(policy=QUICK)
    assert (outcome.exit_code, outcome.failed) == (ExitCode.DONE, {})
    all_is_there(server, lab)


@pytest.mark.soak
def test_an_outage_of_a_minute(server: OddServer, make_lab: Callable[[float], OddLab]) -> None:
    """The command, as a user runs it, waits for a minute and ends with 0."""
    server.on_ask = lambda ask: server.go_away(60.0) if ask.key == BLOCK and ask.number == 1 else None
    lab = make_lab(30.0)
    with lab.start("sync", ODD) as process:
        _, stderr = process.communicate(timeout=180)
    assert process.returncode == ExitCode.DONE, stderr
    all_is_there(server, lab)
