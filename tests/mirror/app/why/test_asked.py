"""What a path, an address or a key means."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.app.why.asked import Asked, places_asked
from mirror.config import Settings

SHARE = Path("/mnt/lab/OpenOrganelle")
KEY = "jrc_hela-2/jrc_hela-2.n5/volumes/raw/s0/1/2/3"
IN_B = Asked("b", f"heinrich-2021a/{KEY}")
IN_A = Asked("a", KEY)
FOLDER_B = "janelia-cosem-publications/heinrich-2021a"


def asked(text: str, bucket: str | None = None, here: str = "/home/student") -> tuple[Asked, ...]:
    """Return what the text means in a lab whose share is mounted."""
    return places_asked(Settings(share=SHARE), text, bucket=bucket, here=Path(here))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(f"{SHARE}/{FOLDER_B}/{KEY}", IN_B, id="absolute path"),
        pytest.param(f"{SHARE}/./{FOLDER_B}/x/../{KEY}", IN_B, id="path with dots"),
        pytest.param(f"{SHARE}/janelia-cosem-datasets/{KEY}", IN_A, id="path in the other bucket"),
        pytest.param(f"{SHARE}/janelia-cosem/{KEY}", IN_A, id="path under an older name"),
        pytest.param(f"{FOLDER_B}/{KEY}", IN_B, id="path below the root"),
        pytest.param(rf"\\nas\lab\OpenOrganelle\{FOLDER_B}/{KEY}".replace("/", "\\"), IN_B, id="UNC"),
        pytest.param(rf"Z:\{FOLDER_B}\{KEY}".replace("/", "\\"), IN_B, id="drive letter"),
        pytest.param(f"//nas/lab/OpenOrganelle/{FOLDER_B}/{KEY}", IN_B, id="UNC with slashes"),
        pytest.param(f"s3://{FOLDER_B}/{KEY}", IN_B, id="address"),
        pytest.param(f"s3://janelia-cosem-datasets/{KEY}", IN_A, id="address in the other bucket"),
        pytest.param(f"heinrich-2021a/{KEY}", IN_B, id="full key"),
    ],
)
def test_the_bucket_is_told_by_the_text(text: str, place: Asked) -> None:
    """Paths as Linux, Windows and S3 write them lead to the same object."""
    assert asked(text)[0] == place


def test_a_path_from_where_the_user_is() -> None:
    """A relative path is one on the share where the user is on the share, else a key."""
    here = f"{SHARE}/{FOLDER_B}/jrc_hela-2/jrc_hela-2.n5/volumes"
    assert asked("raw/s0/1/2/3", here=here)[0] == IN_B
    assert asked(".", here=f"{SHARE}/{FOLDER_B}/jrc_hela-2")[0] == Asked("b", "heinrich-2021a/jrc_hela-2")
    assert asked("raw/s0/1/2/3") == (Asked("b", "heinrich-2021a/raw/s0/1/2/3"), Asked("a", "raw/s0/1/2/3"))


def test_a_key_that_begins_with_the_dataset_may_mean_either_bucket() -> None:
    """The default bucket comes first; `--bucket` leaves one."""
    assert asked(KEY) == (IN_B, IN_A)
    assert asked(KEY, bucket="a") == (IN_A,)


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "s3://elsewhere/x", r"C:\Users\x", f"s3://janelia-cosem-publications/{KEY}"]
)
def test_what_lies_in_no_bucket_means_nothing(text: str) -> None:
    """Paths elsewhere and addresses of other buckets are no places."""
    assert asked(text) == ()


def test_a_link_to_the_share_is_the_share(tmp_path: Path) -> None:
    """A path through a link, or a share that is one, is on the share."""
    (tmp_path / "real" / FOLDER_B).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for share, used in (("real", "link"), ("link", "real")):
        settings = Settings(share=tmp_path / share)
        path = str(tmp_path / used / FOLDER_B / KEY)
        assert places_asked(settings, path, here=Path("/"))[0] == IN_B
