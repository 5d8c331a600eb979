"""Keys that cannot be files, in the middle of a listing: the rest is mirrored, each is named, nothing gets outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.app.sync import NOT_WHOLE
from mirror.errors import ExitCode
from mirror.keys import Refusal, is_folder_marker
from tests.servers import Bucket
from tests.system.invariants import nothing_left_over
from tests.system.oddlab import (
    LEVEL,
    ODD,
    OddLab,
    change_rules,
    make_case_blind,
    make_oddlab,
    open_to_all,
    small_dataset,
)

HOSTILE = {
    f"{ODD}/a//b": Refusal.EMPTY_COMPONENT,
    f"{ODD}//c": Refusal.EMPTY_COMPONENT,
    f"{LEVEL}0//1": Refusal.EMPTY_COMPONENT,
    f"{ODD}/../beside": Refusal.DOT_COMPONENT,
    f"{ODD}/../../../outside": Refusal.DOT_COMPONENT,
    f"{ODD}/./here": Refusal.DOT_COMPONENT,
    f"{LEVEL}0/0/../../../../../../../../outside": Refusal.DOT_COMPONENT,
    f"{ODD}/bell\x07": Refusal.CONTROL_CHARACTER,
    f"{ODD}/delete\x7f/x": Refusal.CONTROL_CHARACTER,
    f"{LEVEL}1/0/tab\t": Refusal.CONTROL_CHARACTER,
    f"{ODD}/{'n' * 300}": Refusal.NAME_TOO_LONG,
    f"{ODD}/{'ü' * 150}/x": Refusal.NAME_TOO_LONG,
    f"{ODD}/{'deep/' * 180}{'d' * 100}": None,
}
"""Key to reason; None for one that is long and fits."""
BOTH = {
    f"{ODD}/README.md": f"{ODD}/README.md/more",
    f"{ODD}/notes/x": f"{ODD}/notes/x/y",
    f"{ODD}/{ODD}.n5/volumes": None,
    f"{LEVEL}1": None,
    f"{LEVEL}0/1/1": f"{LEVEL}0/1/1/more",
}
"""Key that is a file and a folder at once, to what makes it a folder; None where the dataset has that already."""
FINE = {
    f"{ODD}/größe/日本語 файл.txt": b"not ASCII",
    f"{ODD}/a b+c%20d&e=f;g#h?i*[j]|'\"~.txt": b"odd and allowed",
    f"{ODD}/..hidden": b"two dots and more",
    f"{ODD}/con": b"a device on another system",
    f"{ODD}/{'n' * 255}": b"as long as a name can be",
}


def _fill(bucket: Bucket, objects: dict[str, bytes]) -> None:
    open_to_all(bucket)
    for key, body in objects.items():
        bucket.put(key, body)


def _lab(tmp_path: Path, bucket: Bucket, blank_catalog: bytes) -> OddLab:
    return make_oddlab(tmp_path / "lab", bucket.endpoint_url, bucket.name, blank_catalog)


def _tree(folder: Path) -> set[str]:
    """Return all that lies in a folder, but the share's buckets and its own room."""
    inside = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {path for path in inside if not path.startswith(("lab/share/", "lab/catalog/"))}


def test_keys_that_cannot_be_files(odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes) -> None:
    """Each is refused by its name with its reason, all others are mirrored, nothing lies outside the root: exit 4."""
    good = small_dataset() | FINE
    refused = {key: reason for key, reason in HOSTILE.items() if reason is not None}
    long = {key: b"deep" for key, reason in HOSTILE.items() if reason is None}
    _fill(odd_bucket, good | long | dict.fromkeys(refused, b"evil"))
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    before = _tree(tmp_path)

    outcome = lab.mirror()

    assert outcome.skipped == {key: reason.value for key, reason in refused.items()}
    assert outcome.report.refused == len(refused)
    assert outcome.failed == {}
    assert outcome.exit_code is ExitCode.INCOMPLETE
    assert lab.files() == good | long
    assert _tree(tmp_path) == before
    assert {entry.name for entry in lab.share.iterdir()} == {odd_bucket.name, ".oomirror"}
    nothing_left_over(lab)
    again = lab.mirror()
    assert (again.report.transferred.objects, again.exit_code) == (0, ExitCode.INCOMPLETE)


def test_folder_markers_are_no_failure(odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes) -> None:
    """Keys that end with a slash are skipped, named, and leave the exit at 0."""
    markers = [f"{ODD}/", f"{ODD}/{ODD}.n5/", f"{ODD}/{ODD}.n5/volumes/", LEVEL, f"{LEVEL}0/", f"{ODD}/empty/"]
    _fill(odd_bucket, small_dataset() | dict.fromkeys(markers, b""))
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    outcome = lab.mirror()
    assert set(outcome.skipped) == set(markers)
    assert all(is_folder_marker(key) for key in outcome.skipped)
    assert outcome.report.refused == 0
    assert outcome.exit_code is ExitCode.DONE
    assert lab.files() == small_dataset()


def test_file_and_folder_of_one_name(odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes) -> None:
    """The folder wins, the file is refused: in one folder, across folders of the dataset, and inside an array.

    An array that lacks a block for this does not open.
    """
    inside = {key: b"in it" for key in BOTH.values() if key is not None}
    objects = small_dataset() | dict.fromkeys(BOTH, b"a file") | inside
    _fill(odd_bucket, objects)
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    outcome = lab.mirror()
    held_back = f"{ODD}/{ODD}.n5/volumes/raw/s0/attributes.json"
    assert outcome.skipped == dict.fromkeys(BOTH, Refusal.FILE_AND_FOLDER.value) | {held_back: NOT_WHOLE}
    assert outcome.failed == {}
    assert outcome.exit_code is ExitCode.INCOMPLETE
    assert lab.files() == {key: body for key, body in objects.items() if key not in {*BOTH, held_back}}


def test_twins_in_letter_case(
    odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share that is blind to case, the first in byte order is kept and its twins are refused."""
    twins = {f"{ODD}/readme.md": b"twin", f"{ODD}/notes/data": b"twin", f"{ODD}/{ODD}.n5/Volumes/x": b"twin folder"}
    first = {f"{ODD}/notes/Data": b"first"}
    _fill(odd_bucket, small_dataset() | first | twins)
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    make_case_blind(lab.share, monkeypatch)
    outcome = lab.mirror()
    # Upper case comes first in byte order.
    refused = {key for key in (small_dataset() | twins) if "/volumes/" in key} | set(twins) - {
        f"{ODD}/{ODD}.n5/Volumes/x"
    }
    assert outcome.skipped == dict.fromkeys(refused, Refusal.CASE_TWIN.value)
    assert outcome.exit_code is ExitCode.INCOMPLETE
    assert set(lab.files()) == set(small_dataset() | first | twins) - refused


def test_twins_are_two_files_where_the_share_tells_them_apart(
    odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes
) -> None:
    """On a Linux file system both are mirrored."""
    objects = small_dataset() | {f"{ODD}/readme.md": b"twin"}
    _fill(odd_bucket, objects)
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    assert lab.mirror().exit_code is ExitCode.DONE
    assert lab.files() == objects


def test_names_that_the_share_refuses(odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes) -> None:
    """What the marker says that the share refuses is refused, each by its reason."""
    odd = {
        f"{ODD}/a:b": Refusal.FORBIDDEN_CHARACTER,
        f"{ODD}/con": Refusal.FORBIDDEN_NAME,
        f"{ODD}/AUX.txt": Refusal.FORBIDDEN_NAME,
        f"{ODD}/dot.": Refusal.FORBIDDEN_NAME,
    }
    _fill(odd_bucket, small_dataset() | dict.fromkeys(odd, b"x"))
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    change_rules(lab.share, forbidden_characters=":", refuses_device_names=True, refuses_trailing_dot=True)
    outcome = lab.mirror()
    assert outcome.skipped == {key: reason.value for key, reason in odd.items()}
    assert lab.files() == small_dataset()


def test_something_else_stands_in_the_way(odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes) -> None:
    """A folder where a file must be, and a file where a folder must be, fail by name; the level stays unpublished."""
    _fill(odd_bucket, small_dataset())
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    (lab.mirrored / ODD / "README.md").mkdir(parents=True)
    (lab.mirrored / LEVEL).mkdir(parents=True)
    (lab.mirrored / LEVEL / "1").write_bytes(b"not ours")
    outcome = lab.mirror()
    in_the_way = {key for key in small_dataset() if key.startswith(f"{LEVEL}1/")}
    assert set(outcome.failed) == {f"{ODD}/README.md", *in_the_way}
    assert set(outcome.skipped) == {f"{LEVEL}attributes.json"}
    assert outcome.exit_code is ExitCode.INCOMPLETE
    assert (lab.mirrored / LEVEL / "1").read_bytes() == b"not ours"
    nothing_left_over(lab)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", f"{ODD}/"], ids=repr)
def test_dataset_names_that_lead_elsewhere(odd_bucket: Bucket, tmp_path: Path, blank_catalog: bytes, name: str) -> None:
    """A dataset is a folder's name: anything else is no dataset, even if the bucket has keys of that kind."""
    from mirror.errors import UnknownNameError

    _fill(odd_bucket, small_dataset() | {"../x": b"", "./x": b"", "a/b/x": b""})
    lab = _lab(tmp_path, odd_bucket, blank_catalog)
    with pytest.raises(UnknownNameError):
        lab.mirror(name)
    assert {entry.name for entry in lab.share.iterdir()} == {".oomirror"}
