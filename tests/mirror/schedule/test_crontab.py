"""Our line in a crontab: no other one is ever touched."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UsageError
from mirror.schedule import Expression, Job, environment_of, own_lines, units_text, with_line, without_line
from mirror.schedule.crontab import MARK
from mirror.schedule.job import expression_of

LINE = f"0 3 * * * /bin/oomirror refresh {MARK}"
OTHER = f"30 4 * * * /bin/oomirror refresh {MARK}"
_LINES = st.sampled_from(
    (
        "MAILTO=lab",
        "  PATH = /bin # x",
        "# a comment",
        "",
        "\t",
        "0 1 * * * backup  # nightly",
        "@reboot x\r",
        "not cron",
        f"# {LINE}",
        "* * * * * printf '%s' a\\%b",
    )
)
_TEXTS = st.lists(_LINES | st.text(st.characters(exclude_characters="\n", exclude_categories=[]), max_size=20)).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(_TEXTS)
def test_installing_and_removing_gives_every_byte_back(text: str) -> None:
    """Whatever the crontab has: one line more, the rest as it was; again, no change; removed, the text of before."""
    installed = with_line(text, LINE)
    assert installed == f"{text}{LINE}\n"
    assert with_line(installed, LINE) == installed
    assert own_lines(installed) == (LINE,)
    assert without_line(installed) == text == without_line(text)


@given(_TEXTS, _TEXTS)
def test_another_time_takes_the_place_of_the_one_before(before: str, after: str) -> None:
    """The line stays where it was, and a second one of ours goes."""
    text = f"{before}{LINE}\n{after}{LINE}\n"
    assert with_line(text, OTHER) == f"{before}{OTHER}\n{after}"


def test_a_text_without_its_last_line_break_gets_one() -> None:
    """Cron itself refuses a crontab that does not end with one."""
    assert with_line("MAILTO=lab", LINE) == f"MAILTO=lab\n{LINE}\n"


WORDS = ("/opt/venv/bin/oomirror", "refresh", "--config", "/home/a b/50%.toml", "--log", "/l/$x.log")


def test_a_line_reads_as_one_command_to_the_shell() -> None:
    """Once cron has taken the backslashes before %, /bin/sh has the words and variables that were meant."""
    job = Job(Expression.parse("@daily"), ("/usr/bin/printf", "%s\\n", *WORDS), {"OOMIRROR_SHARE": "/a 'b' 100%"})
    line = job.line()
    assert line.startswith("@daily /usr/bin/env ")
    assert expression_of(line) == Expression.parse("@daily")
    command = line.removeprefix("@daily ").replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, env={})
    assert tuple(done.stdout.splitlines()) == WORDS


def test_a_line_that_cron_would_drop_is_refused() -> None:
    """Debian's cron takes a thousand characters."""
    with pytest.raises(UsageError, match="longer than cron takes"):
        Job(Expression.parse("@daily"), ("/bin/true",), {"OOMIRROR_SHARE": "x" * 1000}).line()


@pytest.mark.parametrize("words", [("/bin/true", "/a\n* * * * * rm x"), ("/bin/true\r",)])
def test_a_path_with_a_line_break_is_refused(words: tuple[str, ...]) -> None:
    """It would begin a job of its own."""
    with pytest.raises(UsageError, match="a line break cannot stand in a crontab"):
        Job(Expression.parse("@daily"), words, {}).line()


def test_systemd_units_hold_the_same_job() -> None:
    """A service with the command and its variables, a timer with the moments; `%` and `$` are escaped."""
    text = units_text(Job(Expression.parse("0 3 1 * mon"), WORDS, {"OOMIRROR_SHARE": "/a b"}))
    command = 'ExecStart=/opt/venv/bin/oomirror refresh --config "/home/a b/50%%.toml" --log "/l/$$x.log"'
    wanted = [command, 'Environment="OOMIRROR_SHARE=/a b"']
    wanted += ["OnCalendar=*-*-01 03:00:00", "OnCalendar=Mon *-*-* 03:00:00", "Persistent=true"]
    assert [line for line in wanted if line not in text.splitlines()] == []
    assert "OnBootSec=1min" in units_text(Job(Expression.parse("@reboot"), WORDS, {}))


def test_what_a_job_needs_goes_along_and_no_secret_does() -> None:
    """Our settings, where AWS's files are, proxies without a password; what is left out is told, its value is not."""
    environment = environment_of(
        {
            "OOMIRROR_SHARE": "/mnt/lab",
            "OOMIRROR_CONFIG": "/x",
            "OOMIRROR_TEST_SAMPLES": "/x",
            "OOMIRROR_DEFAULT_BUCKET": "",
            "AWS_PROFILE": "lab",
            "AWS_SECRET_ACCESS_KEY": "s3cr3t",
            "https_proxy": "http://user:s3cr3t@proxy:1",
            "all_proxy": "user:s3cr3t@proxy:1",
            "HTTP_PROXY": "http://proxy:1",
            "HOME": "/root",
        },
        python_path="/src",
    )
    assert environment.variables == {
        "AWS_PROFILE": "lab",
        "HTTP_PROXY": "http://proxy:1",
        "OOMIRROR_SHARE": "/mnt/lab",
        "PYTHONPATH": "/src",
    }
    assert [note.partition(" ")[0] for note in environment.notes] == [
        "AWS_SECRET_ACCESS_KEY",
        "all_proxy",
        "https_proxy",
    ]
    assert "s3cr3t" not in "".join(environment.notes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OOMIRROR_CATALOG", "postgresql://lab:s3cr3t@db/oomirror"),
        ("OOMIRROR_CATALOG", "postgresql:///oomirror?password=s3cr3t"),
        ("OOMIRROR_CATALOG", "postgresql://lab:s3/cr3t@db/oomirror"),
        ("OOMIRROR_NOTIFY", '{"webhook": "https://hooks/s3cr3t"}'),
        ("OOMIRROR_NOTIFY__WEBHOOK", "https://hooks/s3cr3t"),
        ("OOMIRROR_NOTIFY__COMMAND", "tell s3cr3t"),
        ("oomirror_notify__healthcheck", "https://hc/s3cr3t"),
    ],
)
def test_a_setting_of_ours_that_is_secret_is_refused(name: str, value: str) -> None:
    """Left out, the job would be another one: the error names the variable and where it belongs."""
    with pytest.raises(UsageError, match=f"crontab: {name}. Put it into the configuration file") as error:
        environment_of({name: value})
    assert "s3cr3t" not in str(error.value)
