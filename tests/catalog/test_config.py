"""The URL of the catalog."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from catalog.config import catalog_file, check_url, default_catalog_url, shown_url, sqlite_url
from catalog.errors import CatalogUrlError


def test_the_default_is_a_file_in_the_users_data_folder() -> None:
    """Without configuration the catalog is a SQLite file named catalog.db in a folder named oomirror."""
    file = catalog_file(default_catalog_url())
    assert file is not None
    assert file.is_absolute()
    assert file.parts[-2:] == ("oomirror", "catalog.db")


def test_a_relative_file_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative file is taken from the current folder, so that a later change of folder changes nothing."""
    monkeypatch.chdir(tmp_path)
    assert check_url("sqlite:///c.db") == sqlite_url(tmp_path / "c.db")


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's home folder, not a folder named `~`."""
    monkeypatch.setenv("HOME", "/home/lab")
    assert catalog_file("sqlite:///~/c.db") == Path("/home/lab/c.db")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("/var/lib/c.db", id="a path"),
        pytest.param("sqlite://", id="in memory"),
        pytest.param("sqlite:///:memory:", id="in memory, said so"),
        pytest.param("sqlite://host/c.db", id="a host"),
        pytest.param("sqlite:///", id="no file"),
        pytest.param("postgresql+psycopg2://lab@db/x", id="another driver"),
        pytest.param("mysql://lab@db/x", id="another database"),
        pytest.param("postgresql://lab:s3@c@db/x", id="a password with @"),
    ],
)
def test_what_is_no_url_of_a_catalog_is_refused_as_wrong_usage(url: str) -> None:
    """No URL, or a database that would be forgotten, is refused with exit code 2."""
    with pytest.raises(CatalogUrlError) as caught:
        check_url(url)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_server_may_be_named_as_libpq_or_sqlalchemy_name_it(scheme: str) -> None:
    """All names of PostgreSQL are one; the driver is ours to choose."""
    assert check_url(f"{scheme}://lab@db:5432/x?sslmode=require") == "postgresql://lab@db:5432/x?sslmode=require"


def test_a_password_that_would_be_taken_for_a_host_is_not_shown() -> None:
    """An @ in a password is to be written as %40, and until then nothing of the password is printed."""
    with pytest.raises(CatalogUrlError, match="%40") as caught:
        check_url("postgresql://lab:s3@cret/x@db/x")
    assert "s3" not in str(caught.value)
    assert "cret" not in str(caught.value)


def test_a_path_is_refused_with_the_url_to_write_instead() -> None:
    """Who writes a path is told the URL of that path."""
    with pytest.raises(CatalogUrlError, match=r"sqlite:////var/lib/c\.db"):
        check_url("/var/lib/c.db")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("sqlite:////a/c.db", "sqlite:////a/c.db", id="no password"),
        pytest.param("postgresql://lab:s3c@db/x", "postgresql://lab:***@db/x", id="password"),
        pytest.param("postgresql://lab:s3@c/r@db:5432/x", "postgresql://lab:***@db:5432/x", id="password with @ and /"),
        pytest.param("postgresql://db/x?user=l&password=s3c", "postgresql://db/x?user=l&password=***", id="parameter"),
        pytest.param("postgresql://lab@db:5432/x", "postgresql://lab@db:5432/x", id="a port is no password"),
    ],
)
def test_passwords_are_never_shown(url: str, shown: str) -> None:
    """A URL is printed without its password, wherever that stands."""
    assert shown_url(url) == shown


def test_a_refused_url_is_shown_without_its_password() -> None:
    """The message about a URL that cannot be opened does not hold its password."""
    with pytest.raises(CatalogUrlError) as caught:
        check_url("Postgresql//lab://x:s3cret@db")
    assert "s3cret" not in str(caught.value)


def test_reading_the_configuration_imports_no_database() -> None:
    """`catalog.config` does not import SQLAlchemy: every command reads it, few need the catalog."""
    code = "import sys, catalog.config; catalog.config.default_catalog_url(); print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
