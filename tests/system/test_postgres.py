"""Whole runs with a catalog on a PostgreSQL server, as a lab with several nodes has it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import psycopg
import pytest

from mirror.app.setup import init
from mirror.app.verify import VerifyRequest, exit_code_of, verify
from mirror.app.verify.against import verify_against
from mirror.app.verify.certify import certify
from mirror.demo.buckets import BUCKET_NAMES
from mirror.demo.specimen import DATASETS
from mirror.engine.scrub import Depth
from mirror.errors import ExitCode
from mirror.quantities import Budget
from tests.postgres import PostgresServer
from tests.proxy import Proxy
from tests.system.choices import FIRST_RUN
from tests.system.invariants import files_below, share_equals_bucket
from tests.system.workbench import Workbench

Sources = dict[str, Mapping[str, bytes]]
OTHER_DATASET = next(name for name in DATASETS if name != "jrc_hela-2")


@pytest.fixture
def node(lab: Workbench, postgres: PostgresServer) -> Workbench:
    """A node of the lab whose catalog lies on a server."""
    lab.catalog.unlink()
    node = replace(lab, server_url=postgres.make_database())
    init(node.settings(), config=node.folder / "oomirror.toml")
    return node


def ask(node: Workbench, query: str) -> list[tuple[object, ...]]:
    """Return what the server says, asked without our own code."""
    with psycopg.connect(node.server_url) as connection:
        return list(connection.execute(query))


def test_a_dataset_is_mirrored_listed_and_left_alone(node: Workbench, proxy: Proxy, sources: Sources) -> None:
    """Sync, ls and scan work as with a file; the second sync fetches nothing."""
    assert node.run("sync", "jrc_hela-2", *FIRST_RUN.words).returncode == ExitCode.DONE
    keys = FIRST_RUN.keys(sources["b"])
    share_equals_bucket(node.share, FIRST_RUN.bucket_name, sources["b"], keys)
    rows = ask(node, "SELECT (SELECT count(*) FROM mirrored_block) + (SELECT count(*) FROM mirrored_object)")
    assert rows == [(len(keys),)]
    listed = node.run("ls", "jrc_hela-2", "--bucket", "b")
    assert listed.returncode == ExitCode.DONE
    assert "volumes/raw" in listed.stdout
    assert node.run("scan", "jrc_hela-2", "--bucket", "b").returncode == ExitCode.DONE
    proxy.forget()
    assert node.run("sync", "jrc_hela-2", *FIRST_RUN.words).returncode == ExitCode.DONE
    assert [key for key in proxy.keys("get") if not key.endswith("attributes.json")] == []
    states = ask(node, "SELECT DISTINCT state FROM run")
    assert states == [("done",)]
    assert not node.catalog.exists()


def test_two_nodes_mirror_two_datasets_at_once(node: Workbench, sources: Sources) -> None:
    """Two processes write into one catalog at the same time: both end well, and each file has its one row."""
    names = ("jrc_hela-2", OTHER_DATASET)
    processes = [node.start("sync", name, "--bucket", "a", "--scales", "all") for name in names]
    ends = [(*process.communicate(timeout=90), process.returncode) for process in processes]
    assert [code for _, _, code in ends] == [ExitCode.DONE] * 2, ends
    files = {key: path.read_bytes() for key, path in files_below(node.share / BUCKET_NAMES["a"]).items()}
    assert files == {key: sources["a"][key] for key in files}
    assert {key.partition("/")[0] for key in files} == set(names)
    counted = ask(node, "SELECT (SELECT count(*) FROM mirrored_block) + (SELECT count(*) FROM mirrored_object)")
    assert counted == [(len(files),)]
    assert ask(node, "SELECT count(*), min(state), max(state) FROM run") == [(2, "done", "done")]


def test_a_share_is_checked_mended_and_certified(node: Workbench) -> None:
    """Damage is found, known to the next check, and mended; the certificate has every file in order."""
    node.sync(FIRST_RUN.request())
    files = files_below(node.share / BUCKET_NAMES["b"])
    first, last = (node.share / BUCKET_NAMES["b"] / key for key in (min(files), max(files)))
    body = last.read_bytes()
    first.unlink()
    last.write_bytes(bytes(len(body)))
    looks = [
        asyncio.run(verify(node.settings(), VerifyRequest(depth=depth, budget=budget, repair=repair)))
        for depth, budget, repair in (
            (Depth.FULL, Budget(n_bytes=1), False),
            (Depth.FULL, Budget(), False),
            (Depth.QUICK, Budget(), True),
            (Depth.FULL, Budget(), False),
        )
    ]
    assert [len(one.damaged) + len(one.lost) for one in looks[1:]] == [2, 2, 0]
    assert (looks[0].complete, looks[2].repaired, last.read_bytes()) == (False, 2, body)
    file = node.folder / "certificate"
    assert certify(node.settings(), "jrc_hela-2", file).certified.objects == len(files)
    assert exit_code_of(asyncio.run(verify_against(node.settings(), VerifyRequest(), file))) is ExitCode.DONE
