"""`oomirror refresh` as cron and people run it: forms, exit codes, the log, metrics; and no secret in any of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from catalog.session import open_catalog
from mirror.app.refresh.run import lock_name
from mirror.cli.main import main
from mirror.config import load_settings
from mirror.config.mirrors import EXAMPLE
from mirror.keys import OWN_FOLDER
from tests.mirror.app.refresh.labs import N_BLOCKS, block, fill, held
from tests.mirror.cli.conftest import SCHEMAS
from tests.receivers import SECRET, receiving
from tests.servers import Bucket


@pytest.fixture
def write_config(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Path]:
    """Write a configuration over one bucket with these tables at its end, and make the lab."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "oomirror.toml"))

    def write(tables: str) -> Path:
        """Return the folder of the lab."""
        file = tmp_path / "oomirror.toml"
        place = f'[buckets.x]\nurl = "s3://{bucket.name}"\nendpoint_url = "{bucket.endpoint_url}"\n'
        head = f'share = "{tmp_path}/share"\ncatalog = "sqlite:///{tmp_path}/c.db"\ndefault_bucket = "x"\n'
        file.write_text(f"{head}{place}{tables}\n")
        assert main(["init"]) == 0
        capsys.readouterr()
        return tmp_path

    return write


def mirrors(*datasets: str) -> str:
    """Return the entries of these datasets."""
    return "\n".join(f'[[mirrors]]\ndataset = "{one}"' for one in datasets)


def test_the_answer_comes_first_in_words_and_fits_its_schema_in_json(
    write_config: Callable[[str], Path], bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence, a line for each mirror and a total; what failed, by name; JSON has the same."""
    fill(bucket, "jrc_x", "jrc_y")
    write_config(mirrors("jrc_x", "jrc_none", "jrc_y"))
    assert main(["refresh", "--jobs", "2"]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"2 of 3 mirrors are up to date (1 failed); {2 * N_BLOCKS + 2} objects (")
    assert [line.split()[:2] for line in lines[3:6]] == [
        ["x/jrc_x", "done"],
        ["x/jrc_none", "failed"],
        ["x/jrc_y", "done"],
    ]
    assert lines[6].split()[0] == "total"
    assert any(line.startswith("x/jrc_none: failed: No such dataset") for line in lines)
    assert "x/jrc_y: done in" in shown.err

    assert main(["refresh", "x/jrc_x", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads((SCHEMAS / "refresh.json").read_text())).validate(document)
    assert [(one["number"], one["state"], one["up_to_date"]["objects"]) for one in document["mirrors"]] == [
        (1, "done", N_BLOCKS + 1)
    ]


def test_without_entries_there_is_one_to_paste(
    write_config: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and an example, which is a configuration that works."""
    folder = write_config("")
    assert main(["refresh"]) == 2
    words = capsys.readouterr().err
    assert EXAMPLE in words
    assert words.startswith(f"{folder / 'oomirror.toml'} has no [[mirrors]] yet.")
    file = folder / "oomirror.toml"
    file.write_text(f"{file.read_text()}\n{EXAMPLE}\n[buckets.b]\nendpoint_url = 'http://127.0.0.1:9'")
    assert main(["refresh", "x/jrc_y"]) == 2
    assert "no entry of [[mirrors]]: x/jrc_y. Did you mean b/jrc_hela-2?" in capsys.readouterr().err


def test_without_a_configuration_the_way_to_one_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who never ran `init` is not told of a file that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OOMIRROR_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["refresh"]) == 2
    assert capsys.readouterr().err.startswith("There is no configuration yet: `oomirror init --share DIR` writes it")


def test_a_second_tick_is_quiet_and_logged(
    write_config: Callable[[str], Path], bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    """While another refresh is at work, a quiet one says nothing and ends with 6; the log and a loud one tell."""
    fill(bucket, "jrc_x")
    folder = write_config(mirrors("jrc_x"))
    assert main(["refresh", "-q", "--log", "r.log"]) == 0
    assert capsys.readouterr() == ("", "")
    with open_catalog(load_settings().catalog) as catalog:
        name = lock_name(catalog)
    with held(folder / "share" / OWN_FOLDER / "locks" / "refresh" / f"{name}.lock"):
        assert main(["refresh", "-q", "--log", "r.log"]) == 6
        assert capsys.readouterr() == ("", "")
        assert main(["refresh", "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["error"]["what"] == "another refresh is at work"
    log = [line.split("] ", 1)[1] for line in (folder / "r.log").read_text().splitlines()]
    assert log[0] == log[-2] == "refresh begins"
    assert "exit code 0" in log
    assert log[-1].startswith("exit code 6: another refresh is at work: ")


def test_no_secret_leaves_with_anything_that_is_said(
    write_config: Callable[[str], Path], bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in words, JSON, both logs, the catalog, the share nor the metrics, though each receiver fails."""
    fill(bucket, "jrc_x")
    folder = write_config(
        f"""{mirrors("jrc_x")}
[notify]
on = "always"
webhook = "http://user:{SECRET}@127.0.0.1:9/{SECRET}?token={SECRET}"
command = ["/nowhere/tell", "{SECRET}"]
healthcheck = "http://127.0.0.1:9/{SECRET}"
metrics = "/nowhere/x.prom"
"""
    )
    assert main(["refresh", "-v", "--json", "--log", "r.log", "--log-json", "r.json"]) == 0
    shown = capsys.readouterr()
    assert "Could not tell the webhook at http://127.0.0.1:9: cannot connect" in shown.err
    assert "Could not write the metrics: /nowhere/x.prom: No such file" in shown.err
    assert json.loads(shown.out)["exit"] == 0
    assert SECRET not in shown.out + shown.err
    left = [path for path in folder.rglob("*") if path.is_file() and path.name != "oomirror.toml"]
    assert {"r.log", "r.json", "c.db", "index.html"} <= {path.name for path in left}
    assert [path for path in left if SECRET.encode() in path.read_bytes()] == []
    assert main(["refresh", "nobody"]) == 2
    assert SECRET not in capsys.readouterr().err


def test_the_health_check_hears_of_begin_and_end(write_config: Callable[[str], Path], bucket: Bucket) -> None:
    """`/start` first, then the address itself or `/fail`; nothing of a tick while another refresh is at work."""
    fill(bucket, "jrc_x")
    with receiving() as receiver:
        notify = f'[notify]\nhealthcheck = "{receiver.url}/{SECRET}"'
        folder = write_config(f"{mirrors('jrc_x', 'jrc_none')}\n{notify}")
        assert main(["refresh", "jrc_x"]) == 0
        assert main(["refresh"]) == 1
        with open_catalog(load_settings().catalog) as catalog:
            name = lock_name(catalog)
        with held(folder / "share" / OWN_FOLDER / "locks" / "refresh" / f"{name}.lock"):
            assert main(["refresh"]) == 6
        assert main(["refresh", "--dry-run"]) == 1
    words = ["/start", "", "/start", "/fail"]
    assert [one.path for one in receiver.got] == [f"/{SECRET}{word}" for word in words]


def test_a_health_check_that_hangs_at_the_begin_is_not_waited_for_twice(
    write_config: Callable[[str], Path],
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The word of the begin is given up soon after the end, whose own word comes then."""
    monkeypatch.setattr("mirror.app.refresh.tell.BEGIN_SECONDS", 0.1)
    monkeypatch.setattr("mirror.app.notices.TRY_SECONDS", 60.0)  # Or else the first try could end by itself.
    fill(bucket, "jrc_x")
    with receiving(0, 200) as receiver:
        write_config(f'{mirrors("jrc_x")}\n[notify]\nhealthcheck = "{receiver.url}/h"')
        assert main(["refresh"]) == 0
    assert [one.path for one in receiver.got] == ["/h/start", "/h"]
    assert "Could not tell" not in capsys.readouterr().err


WHOLE_ERRORS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "no share": (lambda folder: unset(folder, "share"), 2, "no share is configured"),
    "no mirrors": (lambda folder: unset(folder, "[[mirrors]]", "dataset"), 2, "there is nothing to refresh"),
    "unmarked": (lambda folder: (folder / "share" / OWN_FOLDER / "marker.json").unlink(), 5, "not marked"),
    "gone": (lambda folder: (folder / "share").rename(folder / "away"), 5, "the share is not there"),
    "damaged": (lambda folder: (folder / "c.db").write_bytes(b"no database" * 1000), 1, "the catalog is damaged"),
}


def unset(folder: Path, *names: str) -> None:
    """Take lines out of the configuration."""
    file = folder / "oomirror.toml"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith(names)))


@pytest.mark.parametrize("case", WHOLE_ERRORS.values(), ids=WHOLE_ERRORS.keys())
def test_what_ends_all_before_it_begins_is_an_error_and_is_told(
    write_config: Callable[[str], Path],
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    case: tuple[Callable[[Path], object], int, str],
) -> None:
    """Its reason is on stderr, also of a dry run and a quiet one, and is the JSON; receivers and metrics know of it."""
    spoil, code, words = case
    fill(bucket, "jrc_x")
    with receiving() as receiver:
        tables = f"""[notify]
webhook = "{receiver.url}/w"
healthcheck = "{receiver.url}/h"
metrics = "{Path.cwd()}/x.prom"
{mirrors("jrc_x")}"""
        folder = write_config(tables)
        spoil(folder)
        for options in ([], ["-q"], ["-n"]):
            assert main(["refresh", *options]) == code
            shown = capsys.readouterr()
            assert (words in shown.err, shown.out) == (True, ""), shown
        assert main(["refresh", "-n", "--json"]) == code
        error = json.loads(capsys.readouterr().out)["error"]
        assert (error["exit"], words in error["what"]) == (code, True)
        assert main(["refresh", "jrc_z"]) == 2
    notices = [json.loads(one.body) for one in receiver.got if one.path == "/w"]
    assert [(one["state"], one["exit"]) for one in notices] == [("failed", code)] * 2
    assert [one.path for one in receiver.got if one.path != "/w"] == ["/h/fail"] * 2
    samples = metrics_of(folder / "x.prom")
    assert value(samples, "oomirror_refresh_last_run_exit_code", {}) == code
    assert value(samples, "oomirror_refresh_last_run_complete", {}) == 0


def test_what_vanished_is_said(write_config: Callable[[str], Path], bucket: Bucket) -> None:
    """A night in which objects only vanished upstream is told as a change, with what it was."""
    fill(bucket, "jrc_x", "jrc_y")
    with receiving() as receiver:
        write_config(f'[notify]\non = "change"\nwebhook = "{receiver.url}/w"\n{mirrors("jrc_x", "jrc_y")}')
        assert main(["refresh"]) == 0
        bucket.delete(block("jrc_y", 2))
        assert main(["refresh"]) == 0
    document = json.loads(receiver.got[-1].body)
    assert (len(receiver.got), document["state"]) == (2, "changed")
    assert "x/jrc_y: done in" in document["text"]
    assert "1 vanished upstream, nothing fetched" in document["text"]
    assert "x/jrc_x" not in document["text"]


def test_syncs_and_checks_are_told_of_too(
    write_config: Callable[[str], Path], bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    """What came, what is damaged, what was mended, a share that is gone; no dry run, and no health check of theirs."""
    fill(bucket, "jrc_x")
    with receiving() as receiver:
        notify = f'[notify]\non = "change"\nwebhook = "{receiver.url}/w"\nhealthcheck = "{receiver.url}/h"'
        folder = write_config(notify)
        assert main(["sync", "jrc_x", "--dry-run"]) == 0
        assert main(["sync", "jrc_x"]) == 0
        assert main(["sync", "jrc_x"]) == 0
        (folder / "share" / bucket.name / block("jrc_x", 1)).write_bytes(b"cut")
        assert main(["verify", "jrc_x", "--quick"]) == 3
        assert main(["verify", "jrc_x", "--quick", "--repair"]) == 0
        (folder / "share" / OWN_FOLDER / "marker.json").unlink()
        assert main(["verify"]) == main(["sync", "jrc_x"]) == 5
    documents = [json.loads(one.body) for one in receiver.got]
    assert {one.path for one in receiver.got} == {"/w"}
    assert [(one["command"], one["state"], one["exit"]) for one in documents] == [
        ("sync", "changed", 0),
        ("verify", "failed", 3),
        ("verify", "changed", 0),
        ("verify", "failed", 5),
        ("sync", "failed", 5),
    ]
    assert documents[0]["text"].startswith(f"Mirrored {N_BLOCKS + 1} objects")
    assert f"Damaged: {bucket.name}/{block('jrc_x', 1)}: size: " in documents[1]["text"]


def test_prometheus_can_read_the_metrics(write_config: Callable[[str], Path], bucket: Bucket) -> None:
    """Each mirror has its times, counts and exit code; one that fails keeps the time of its last success."""
    fill(bucket, "jrc_x", "jrc_y")
    folder = write_config(mirrors("jrc_x", "jrc_y") + f'\n[notify]\nmetrics = "{Path.cwd()}/x.prom"')
    started = time.time()
    assert main(["refresh"]) == 0
    first = metrics_of(folder / "x.prom")
    x, y = {"bucket": "x", "dataset": "jrc_x"}, {"bucket": "x", "dataset": "jrc_y"}
    assert value(first, "oomirror_mirror_transferred_objects", x) == N_BLOCKS + 1
    assert value(first, "oomirror_mirror_share_objects", y) == N_BLOCKS + 1
    assert value(first, "oomirror_mirror_last_success_timestamp_seconds", y) >= int(started)
    assert value(first, "oomirror_refresh_last_run_exit_code", {}) == 0

    bucket.put("jrc_x/README", b"new")
    for key in ("jrc_y/jrc_y.n5/raw/s0/attributes.json", *(block("jrc_y", number) for number in range(N_BLOCKS))):
        bucket.delete(key)
    assert main(["refresh"]) == 1
    second = metrics_of(folder / "x.prom")
    assert value(second, "oomirror_mirror_new_objects", x) == 1
    assert value(second, "oomirror_mirror_exit_code", y) == 1
    name = "oomirror_mirror_last_success_timestamp_seconds"
    assert value(second, name, y) == value(first, name, y) <= value(second, name, x)
    assert sorted(path.name for path in folder.glob("x.prom*")) == ["x.prom"]


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def metrics_of(file: Path) -> Samples:
    """Return all samples of a file, as Prometheus reads them, by name and labels."""
    families = text_string_to_metric_families(file.read_text())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(samples: Samples, name: str, labels: dict[str, str]) -> float:
    """Return the value of one sample."""
    return samples[name, tuple(sorted(labels.items()))]
