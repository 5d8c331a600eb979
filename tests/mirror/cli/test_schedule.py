"""`oomirror schedule` with Debian's own crontab and cron, in a spool that nobody else sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mirror.cli.main import main

CHECKOUT = Path(__file__).parents[3]
OTHERS = b'MAILTO=""\n  5 4 * * *  true   # nightly \xff\n\n# the end\n'
# A file system of its own below the spool, and below /run for cron's own lock, in a mount name space of its own.
_PRIVATE = """
set -e
mount -t tmpfs none /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
mount -t tmpfs none /run
"""


def _can_have_a_spool() -> bool:
    programs = ("cron", "crontab", "unshare", "timeout")
    if os.geteuid() != 0 or not all(shutil.which(one) for one in programs):
        return False
    return subprocess.run(["unshare", "-m", "sh", "-c", _PRIVATE], capture_output=True, check=False).returncode == 0


needs_cron = pytest.mark.skipif(
    not _can_have_a_spool(), reason="needs root, cron, crontab, and a mount name space of its own"
)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration of one mirror that no server serves."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("OOMIRROR_", "AWS_", "SSL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "oomirror.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "oomirror.toml").write_text(
        f'share = "{tmp_path}/share"\ncatalog = "sqlite:///{tmp_path}/c.db"\n'
        '[buckets.b]\nendpoint_url = "http://127.0.0.1:9"\n[[mirrors]]\ndataset = "jrc_x"\n'
    )
    return tmp_path


def in_spool(script: str, folder: Path) -> str:
    """Run a script where the spool is empty, and return what it printed."""
    ours = f'oomirror() {{ {sys.executable} -m oomirror "$@"; }}\ncd {folder}\n'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", _PRIVATE + ours + script],
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_cron
def test_install_show_and_remove_leave_other_lines_alone(lab: Path) -> None:
    """Through the real crontab: one line more, the same once more, another time in its place, and all as before."""
    (lab / "others").write_bytes(OTHERS)
    in_spool(
        """
        crontab others
        oomirror schedule install "0 3 * * *" --log r.log; crontab -l > first
        oomirror schedule install "0 3 * * *" --log r.log > again; crontab -l > second
        oomirror schedule install @daily --log r.log; crontab -l > third
        oomirror schedule show > shown
        oomirror schedule remove; crontab -l > last
        crontab -r; oomirror schedule install "0 3 * * *"; oomirror schedule remove
        crontab -l > none 2>&1 || true
        """,
        lab,
    )
    first, shown = (lab / "first").read_bytes(), (lab / "shown").read_text()
    assert first.startswith(OTHERS)
    line = first.removeprefix(OTHERS).decode()
    assert line.startswith(f"0 3 * * * /usr/bin/env PYTHONPATH={CHECKOUT} ")
    assert line.endswith(f" refresh --config {lab}/oomirror.toml --quiet --log {lab}/r.log # oomirror-schedule\n")
    assert (lab / "second").read_bytes() == first
    assert "Cron has it already" in (lab / "again").read_text()
    assert (lab / "third").read_bytes() == OTHERS + line.replace("0 3 * * *", "@daily").encode()
    assert "@daily" in shown
    assert "00:00" in shown
    assert (lab / "last").read_bytes() == OTHERS
    assert "no crontab for" in (lab / "none").read_text()


@needs_cron
def test_one_tick_of_the_real_cron_refreshes(lab: Path) -> None:
    """Debian's cron runs the line with its own short environment: a refresh, logged with its exit code."""
    assert main(["init"]) == 0
    # The one moment that cron does not let us wait for: its start.
    in_spool(
        """
        oomirror schedule install @reboot --log r.log
        timeout 30 cron -f & for second in $(seq 300); do
            grep -q "exit code" r.log 2> /dev/null && break; sleep 0.1
        done
        kill $!; wait
        """,
        lab,
    )
    log = [line.split("] ", 1)[1] for line in (lab / "r.log").read_text().splitlines()]
    assert log[0] == "refresh begins"
    assert log[-1] == "exit code 1"
    assert any(line.startswith("b/jrc_x: failed: ") for line in log)


@pytest.mark.soak
@needs_cron
def test_ticks_of_the_real_cron_never_overlap(lab: Path) -> None:
    """Each minute one refresh ends before the next begins, for three minutes."""
    assert main(["init"]) == 0
    in_spool('oomirror schedule install "* * * * *" --log r.log\ntimeout 185 cron -f || true', lab)
    log = [line.split("] ", 1) for line in (lab / "r.log").read_text().splitlines()]
    begun = [start for start, text in log if text == "refresh begins"]
    ended = [start for start, text in log if text == "exit code 1"]
    assert [one.partition("[")[2] for one in begun] == [one.partition("[")[2] for one in ended]
    assert len(begun) >= 3


def test_where_there_is_no_cron_a_sentence_says_what_to_do(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, and the other way; `--print` needs no cron and touches nothing."""
    monkeypatch.setenv("PATH", str(lab))
    for command in (["install", "0 3 * * *"], ["show"], ["remove"]):
        assert main(["schedule", *command]) == 1
        assert "there is no crontab here: crontab; found no such program in PATH" in capsys.readouterr().err
    for words in (["schedule", "--print"], ["schedule", "install", "0 3 * * *", "--print"]):
        assert main(words) == 0
        printed = capsys.readouterr().out
        assert "OnCalendar=*-*-* 03:00:00" in printed
        assert f"--config {lab}/oomirror.toml" in printed
        assert "\n0 3 * * * /usr/bin/env" in printed


def test_a_program_that_refuses_is_quoted(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What crontab said is in the error; nothing was changed."""
    fake = lab / "crontab"
    fake.write_text('#!/bin/sh\n[ "$1" = -l ] && exit 0\necho "errors in crontab file, can\'t install." >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{lab}:{os.environ['PATH']}")
    assert main(["schedule", "install", "0 3 * * *", "--log", str(lab / "log" / "r.log")]) == 1
    assert "cannot write the crontab" in (words := capsys.readouterr().err)
    assert "errors in crontab file" in words


def test_a_line_that_somebody_spoiled_hides_no_other(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are shown; of that one what is wrong, and what to do; exit 3. Installing puts all of it right."""
    fake, spool = lab / "crontab", lab / "spool"
    fake.write_text(f'#!/bin/sh\n[ "$1" = -l ] && exec cat {spool}\nexec cat > {spool}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{lab}:{os.environ['PATH']}")
    good = "0 3 * * * /bin/oomirror refresh # oomirror-schedule"
    bad = ("0 25 * * * /bin/oomirror refresh # oomirror-schedule", "when it rains # oomirror-schedule")
    spool.write_text("\n".join([bad[0], good, bad[1], ""]))
    assert main(["schedule", "show"]) == 3
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("Cron cannot run this one: not a cron expression: '0 25 * * *'")
    assert "found 25 as hour" in shown[0]
    assert "oomirror schedule install" in shown[1]
    assert [line.strip() for line in shown if line.startswith("  ")] == [bad[0], good, bad[1]]
    assert shown[3].startswith("Next ")
    assert main(["schedule", "install", "0 3 * * *", "--log", str(lab / "r.log")]) == 0
    assert "In the place of:" in capsys.readouterr().out
    assert main(["schedule", "show"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["install", "0 25 * * *"], "not a cron expression: '0 25 * * *'"),
        (["install", "0 3 31 2 *"], "a moment that never comes"),
        (["install", "@daily", "--log", "/"], "a folder cannot be a log: /"),
    ],
)
def test_what_cannot_be_scheduled_is_a_usage_error(
    lab: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Exit 2 before anything is looked at."""
    assert main(["schedule", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_job_without_mirrors_or_with_a_secret_is_refused(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2; the secret's variable is named, its value is not."""
    monkeypatch.setenv("OOMIRROR_NOTIFY__WEBHOOK", "https://hooks.example.org/s3cr3t")
    assert main(["schedule", "install", "0 3 * * *"]) == 2
    words = capsys.readouterr().err
    assert "a secret does not belong into a crontab: OOMIRROR_NOTIFY__WEBHOOK" in words
    assert "s3cr3t" not in words
    (lab / "oomirror.toml").write_text("")
    assert main(["schedule", "install", "0 3 * * *"]) == 2
    assert "there is nothing to refresh" in capsys.readouterr().err
