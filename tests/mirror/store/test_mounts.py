"""How Windows names what is mounted here."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.store.mounts import unc_of, unc_path

MOUNTS = r"""/dev/sda1 / ext4 rw,relatime 0 0
//nas.lab.example/cell\040data /mnt/lab cifs rw,vers=3.1.1 0 0
//nas/deep/folder/ /mnt/lab/deep smb3 rw 0 0
filer:/export /mnt/nfs nfs4 rw 0 0
//old/share /mnt/twice cifs rw 0 0
filer:/new /mnt/twice nfs rw 0 0
odd line
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        pytest.param("/mnt/lab/OpenOrganelle", r"\\nas.lab.example\cell data\OpenOrganelle", id="below"),
        pytest.param("/mnt/lab", r"\\nas.lab.example\cell data", id="the-mount-itself"),
        pytest.param("/mnt/lab/deep/x", r"\\nas\deep\folder\x", id="the-innermost-mount"),
        pytest.param("/mnt/laboratory", None, id="a-name-that-only-begins-so"),
        pytest.param("/mnt/nfs/x", None, id="nfs"),
        pytest.param("/mnt/twice/x", None, id="hidden-by-a-later-mount"),
        pytest.param("/home/lab", None, id="a-local-disk"),
    ],
)
def test_the_path_from_windows(folder: str, expected: str | None) -> None:
    """Told where an SMB share is mounted, and nowhere else."""
    assert unc_path(Path(folder), MOUNTS) == expected


def test_a_folder_of_this_machine(tmp_path: Path) -> None:
    """The tests' own folder lies on no SMB share."""
    assert unc_of(tmp_path) is None
