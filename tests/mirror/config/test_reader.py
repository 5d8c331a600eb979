"""Where the configuration comes from, which source wins, and what is said of a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mirror.config import find_config, load_settings, new_config, user_config
from mirror.errors import ConfigError, ExitCode
from mirror.formats.folder import Format
from mirror.selection import SelectionSpec
from mirror.store.staging import Fsync


@pytest.fixture(autouse=True)
def _nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty working folder, an empty home and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "OOMIRROR_CONFIG", "OOMIRROR_SHARE", "OOMIRROR_CATALOG"):
        monkeypatch.delenv(variable, raising=False)


def write(file: Path, text: str) -> Path:
    """Return `file`, holding `text`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_buckets_a_and_b_are_built_in() -> None:
    """Without any configuration both public buckets are known, and b is the default."""
    settings = load_settings()
    assert str(settings.bucket("a").url) == "s3://janelia-cosem-datasets"
    assert settings.bucket("a").aliases == ("janelia-cosem",)
    assert settings.bucket() == settings.bucket("b")
    assert str(settings.bucket().url) == "s3://janelia-cosem-publications/heinrich-2021a"
    assert settings.bucket().anonymous
    assert settings.catalog.startswith("sqlite:////")


def test_one_key_of_a_built_in_bucket_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable for one key of a bucket, or a key in the file, leaves the bucket's other values built in."""
    monkeypatch.setenv("OOMIRROR_BUCKETS__A__ENDPOINT_URL", "http://127.0.0.1:8333")
    write(Path("oomirror.toml"), '[buckets.a]\nregion = "eu-west-1"\n')
    bucket = load_settings().bucket("a")
    assert (bucket.endpoint_url, bucket.region) == ("http://127.0.0.1:8333", "eu-west-1")
    assert str(bucket.url) == "s3://janelia-cosem-datasets"
    assert bucket.aliases == ("janelia-cosem",)


def test_flag_beats_environment_beats_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gives way to the environment, and both to flags, key by key."""
    write(Path("oomirror.toml"), 'default_bucket = "a"\n[transfer]\nconcurrency = 1\nfsync = "off"\ngroup = "5"\n')
    monkeypatch.setenv("OOMIRROR_TRANSFER__CONCURRENCY", "2")
    monkeypatch.setenv("OOMIRROR_TRANSFER__FSYNC", "each")
    settings = load_settings(overrides={"transfer": {"concurrency": 3}})
    assert settings.transfer.concurrency == 3
    assert settings.transfer.fsync is Fsync.EACH
    assert settings.transfer.group == "5"
    assert settings.default_bucket == "a"


def test_files_are_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config`, then $OOMIRROR_CONFIG, then the working folder, then the user's own."""
    assert find_config() is None
    own = write(user_config(), "")
    assert find_config() == own
    write(Path("oomirror.toml"), "")
    assert find_config() == Path("oomirror.toml")
    named = write(tmp_path / "named.toml", "")
    monkeypatch.setenv("OOMIRROR_CONFIG", str(named))
    assert find_config() == new_config() == named
    asked = write(tmp_path / "asked.toml", "")
    assert find_config(asked) == new_config(asked) == asked


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file is an error that names it and how it was asked for; a new one may still be written there."""
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match=r"missing\.toml; expected the file that --config names, found no such file"):
        load_settings(missing)
    monkeypatch.setenv("OOMIRROR_CONFIG", str(missing))
    with pytest.raises(ConfigError, match="the file that OOMIRROR_CONFIG names"):
        load_settings()
    assert new_config() == missing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('shaer = "/x"', ["unknown setting: shaer in ", "Did you mean share?"], id="unknown-key"),
        pytest.param("[transfer]\nfsink = 1", ["transfer.fsink in", "Did you mean fsync?"], id="unknown-nested-key"),
        pytest.param("[buckets.a]\nzone = 1", ["buckets.a.zone in", "Known are addressing_style"], id="nothing-near"),
        pytest.param("[mongo]\nurl = 's3cret'", ["mongo.url in", "Did you mean uri?"], id="mongo-key"),
        pytest.param(
            "mongo = 's3cret'", ["mongo in", "expected a table, found a text, which is not shown"], id="mongo"
        ),
        pytest.param("[mongo]\nuri = ['s3cret']", ["mongo.uri in", "expected text in quotes, found a list"], id="uri"),
        pytest.param("[schedule]\nat = 's3cret'", ["unknown setting: schedule in"], id="not-built"),
        pytest.param("[transfer]\nconcurrency = 'x'", ["expected a whole number, found 'x'"], id="number"),
        pytest.param("[transfer]\nconcurrency = -1", ["expected at least 0, found -1"], id="too-small"),
        pytest.param("[transfer]\nconcurrency = 9999", ["expected at most 1024, found 9999"], id="too-large"),
        pytest.param("[transfer]\nfsync = 'no'", ["expected 'off', 'batch' or 'each', found 'no'"], id="choice"),
        pytest.param("[transfer]\nfile_mode = 664", ['octal digits in quotes, as "0664", found 664'], id="mode"),
        pytest.param("transfer = 1", ["transfer in", "expected a table, found 1"], id="table"),
        pytest.param("buckets = []", ["expected a table, found a list"], id="list"),
        pytest.param("share = 'here'", ["not an absolute path: share in", "found here"], id="relative-share"),
        pytest.param("catalog = 'mysql'", ["not the URL of a catalog: catalog in"], id="catalog"),
        pytest.param("default_bucket = 'bb'", ["default_bucket in", "found 'bb'. Did you mean b?"], id="default"),
        pytest.param("[buckets.C]\nurl = 's3://ccc'", ["buckets.C in", "lower-case"], id="bucket-name"),
        pytest.param("[buckets.c]\nregion = 'x'", ["buckets.c.url in", "expected a value, found none"], id="missing"),
        pytest.param("[buckets.c]\nurl = 'ccc'", ["not the address of a bucket: buckets.c.url in"], id="url"),
        pytest.param("[buckets.a]\nendpoint_url = 'h:1'", ["not the address of a server"], id="endpoint"),
        pytest.param(
            "[buckets.a]\nprofile = 'lab'", ["profile needs signed requests", "anonymous = false"], id="signed"
        ),
        pytest.param(
            "[[mirrors]]\ndataset = 'x'\n[[mirrors]]\ndataset = 'y'\nscals = 's0'",
            ["unknown setting: scals of [[mirrors]] number 2 in", "Did you mean scales?"],
            id="mirror-key",
        ),
        pytest.param(
            "[[mirrors]]\ndataset = 'x'\nscales = 's3-s1'",
            ["not a choice of scales: scales of [[mirrors]] number 1 in", "runs backwards"],
            id="mirror-scales",
        ),
        pytest.param("[[mirrors]]\nscales = 's3'", ["dataset of [[mirrors]] number 1", "found none"], id="mirror-name"),
        pytest.param("[[mirrors]]\ndataset = 'b/x'", ["not the name of a dataset: dataset of"], id="mirror-slash"),
        pytest.param("[[mirrors]]\ndataset = 'x'\nvolumes = ['']", ["volumes of [[mirrors]] number 1"], id="volumes"),
        pytest.param("[[mirrors]]\ndataset = 'x'\nexclude = ['/']", ["exclude of [[mirrors]] number 1"], id="exclude"),
        pytest.param("[[mirrors]]\ndataset = 'x'\nformats = 'n6'", ["formats of [[mirrors]] number 1"], id="formats"),
        pytest.param(
            "[[mirrors]]\ndataset = 'x'\nbucket = 'aa'",
            ["unknown bucket: bucket of [[mirrors]] number 1", "found aa"],
            id="mirror-bucket",
        ),
        pytest.param(
            "[[mirrors]]\ndataset = 'x'\n[[mirrors]]\ndataset = 'x'\nbucket = 'b'",
            ["the same mirror twice: [[mirrors]] number 2 in", "it is number 1 once more"],
            id="mirror-twice",
        ),
        pytest.param(
            "[buckets.a]\nendpoint_url = 'http://u:s3cret@127.0.0.1:1'",
            ["no login in it: buckets.a.endpoint_url in", "not shown", "AWS_ACCESS_KEY_ID"],
            id="login-in-endpoint",
        ),
        pytest.param("[buckets.a]\nendpoint_url = 'u:s3/cret@h'", ["no login in it"], id="login-without-scheme"),
        pytest.param("[buckets.a]\nurl = 's3://u:s3cret@b/'", ["buckets.a.url in"], id="login-in-url"),
        pytest.param("[buckets]\na = 'http://u:s3cret@h'", ["buckets.a in", "expected a table"], id="login-for-table"),
        pytest.param("[mirrors]\ndataset = 'x'", ["mirrors in", "expected a list, found a table"], id="mirror-table"),
        pytest.param("[notify]\nwebhok = 's3cret'", ["notify.webhok in", "Did you mean webhook?"], id="notify-key"),
        pytest.param("[notify]\nwebhook = 's3cret'", ["not the address of a receiver: notify.webhook"], id="webhook"),
        pytest.param("[notify]\nhealthcheck = ['s3cret']", ["not the address", "notify.healthcheck"], id="healthcheck"),
        pytest.param("[notify]\ncommand = ['s3cret', 1]", ["not a command: notify.command in"], id="command"),
        pytest.param("[notify]\non = 'never'", ["notify.on in", "found 'never'"], id="notify-on"),
        pytest.param("[notify]\nmetrics = 'x.prom'", ["not an absolute path: notify.metrics"], id="metrics"),
        pytest.param("share = ", ["cannot read the configuration: ", "expected TOML"], id="not-toml"),
    ],
)
def test_a_fault_is_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    """A fault in the file names the key's path, the file, what was expected and what was found; never a secret."""
    file = write(tmp_path / "lab.toml", text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    sentence = str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(file) in sentence
    assert [word for word in words if word not in sentence] == []
    assert "s3cret" not in sentence


def test_every_fault_is_named(tmp_path: Path) -> None:
    """With several faults the first is explained and the places of the others are listed."""
    file = write(tmp_path / "lab.toml", "share = 'here'\nfoo = 1\n[transfer]\nfsync = 1\n")
    with pytest.raises(ConfigError, match=r"Also wrong: .*transfer\.fsync in .*foo in "):
        load_settings(file)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        pytest.param("OOMIRROR_SHAER", "/x", "OOMIRROR_SHAER. Did you mean OOMIRROR_SHARE?", id="unknown"),
        pytest.param("OOMIRROR_TRANSFER__FSINK", "off", "OOMIRROR_TRANSFER__FSINK. Did you mean fsync?", id="nested"),
        pytest.param("OOMIRROR_TRANSFER__FSYNC", "no", "OOMIRROR_TRANSFER__FSYNC; expected 'off'", id="value"),
        pytest.param("OOMIRROR_BUCKETS", "{}", "OOMIRROR_BUCKETS; expected a table", id="table"),
        pytest.param(
            "OOMIRROR_BUCKETS__C__REGION", "x", "buckets.c.url in the environment; expected a value", id="missing"
        ),
    ],
)
def test_a_fault_in_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    """A variable that names no setting, or holds what cannot be used, is an error that names it."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OOMIRROR_BUCKETS__A__ENDPOINT_URL", "http://u:s3cret@127.0.0.1:1"),
        ("OOMIRROR_BUCKETS__A__ENDPOINT_URL", "s3cret@127.0.0.1:1"),
        ("OOMIRROR_BUCKETS__A__URL", "s3://u:s3cret@b"),
        ("OOMIRROR_BUCKETS__A", "endpoint_url = u:s3cret@h"),
        ("OOMIRROR_BUCKETS", '{"a": {"endpoint_url": "u:s3cret@h"}}'),
        ("OOMIRROR_NOTIFY", '{"webhook": "s3cret"}'),
    ],
)
def test_a_login_in_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """The variable is named, and nothing of what may be a secret is, whatever says so."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert variable in str(caught.value)
    assert "s3cret" not in f"{caught.value}{vars(caught.value)}"


def test_a_fault_on_the_command_line_says_so() -> None:
    """A flag's value that cannot be used is not blamed on the file."""
    overrides: dict[str, Any] = {"share": "here"}
    with pytest.raises(ConfigError, match="share on the command line"):
        load_settings(overrides=overrides)


def test_empty_and_foreign_variables_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable says nothing, and those of the tests and of the file's place are no settings."""
    monkeypatch.setenv("OOMIRROR_SHARE", "")
    monkeypatch.setenv("OOMIRROR_TEST_SAMPLES", "/samples")
    monkeypatch.setenv("OOMIRROR_CONFIG", "")
    assert load_settings().share is None


def test_mirrors_are_entries_of_the_file(tmp_path: Path) -> None:
    """Each has what `sync` takes as options; lists may be given as text with commas."""
    file = write(
        tmp_path / "lab.toml",
        """
        [[mirrors]]
        dataset = "jrc_hela-2"
        scales = "s0,s1"
        volumes = "raw, labels/*"
        formats = ["n5", "zarr"]
        unscaled = false
        exclude = ["jrc_hela-2/x//y", "jrc_hela-2/*/old"]
        [[mirrors]]
        dataset = "jrc_hela-2"
        bucket = "a"
        [notify]
        command = "tell"
        """,
    )
    settings = load_settings(file)
    first, second = settings.mirrors
    spec, excluded = first.spec(), first.excluded()
    assert (str(spec.scales), spec.with_unscaled, spec.formats) == ("s0-s1", False, (Format.N5, Format.ZARR))
    assert [pattern.text for pattern in spec.volumes.patterns] == ["raw", "labels/*"]
    assert [excluded.has(key) for key in ("jrc_hela-2/x//y", "jrc_hela-2/em/old/1", "jrc_hela-2/x/y")] == [
        True,
        True,
        False,
    ]
    assert (second.bucket, second.spec(), bool(second.excluded())) == ("a", SelectionSpec(), False)
    assert settings.notify.command is not None
    assert settings.notify.command.get_secret_value() == ("/bin/sh", "-c", "tell")


def test_the_variables_that_a_notice_gives_its_command_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of [notify] may run oomirror itself."""
    monkeypatch.setenv("OOMIRROR_NOTICE_STATE", "failed")
    assert load_settings().mirrors == ()
