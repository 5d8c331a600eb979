"""Shares that are mounted for a test: over FUSE, and over SMB from a server in a network of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 15.0
HOST = "127.0.0.1"
_SMB_CONF = """
[global]
 netbios name = NAS
 server role = standalone server
 map to guest = Bad User
 guest account = root
 private dir = {state}
 lock directory = {state}
 state directory = {state}
 cache directory = {state}
 pid directory = {state}
 ncalrpc dir = {state}/rpc
 log file = {state}/log
 interfaces = lo
 bind interfaces only = yes
 disable netbios = yes
 smb ports = 445
 load printers = no
 printing = bsd
 disable spoolss = yes
 client min protocol = SMB2
[lab]
 path = {root}
 read only = no
 guest ok = yes
 force user = root
"""
_SMB_SCRIPT = """
ip link set lo up
smbd --foreground --no-process-group --configfile={conf} --log-basename={state} < /dev/null &
exec smbnetfs -f {mount}
"""


class NoMountError(Exception):
    """Why such a share cannot be mounted here."""


@contextmanager
def fuse_share(folder: Path) -> Iterator[Path]:
    """Mount a folder elsewhere by `bindfs`; give the mount point. Raises NoMountError."""
    _need("bindfs", "umount")
    (root := folder / "root").mkdir(parents=True)
    (mount := folder / "mount").mkdir()
    with _mounted(mount, ["bindfs", "-f", str(root), str(mount)], {}, mount.is_mount):
        yield mount


@contextmanager
def smb_share(folder: Path) -> Iterator[Path]:
    """Mount a share of Samba's server by `smbnetfs`; give its folder. Raises NoMountError."""
    _need("smbd", "smbnetfs", "unshare", "ip", "umount")
    paths = {name: folder / name for name in ("root", "mount", "state", "home")}
    for path in (*paths.values(), paths["home"] / ".smb"):
        path.mkdir(parents=True)
    (conf := folder / "smb.conf").write_text(_SMB_CONF.format(**paths))
    shutil.copy(conf, paths["home"] / ".smb" / "smb.conf")
    (ours := paths["home"] / ".smb" / "smbnetfs.conf").write_text('auth "guest" ""\n')
    ours.chmod(0o600)  # It takes no other.
    share = paths["mount"] / HOST / "lab"
    script = _SMB_SCRIPT.format(conf=conf, **paths)
    # In a network of its own port 445 is free; and processes of its own all end with the first of them.
    command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", script]
    with _mounted(paths["mount"], command, {"HOME": str(paths["home"])}, lambda: _is_writable(share)):
        yield share


@contextmanager
def _mounted(
    mount: Path, command: list[str], variables: dict[str, str], is_ready: Callable[[], bool]
) -> Iterator[None]:
    log = mount.with_name("log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | variables, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoMountError(f"{command[0]}: {log.read_text(errors='replace')[-300:].strip()}")
            time.sleep(0.05)
        yield
    finally:
        subprocess.run(["umount", "-l", str(mount)], capture_output=True, check=False)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_writable(share: Path) -> bool:
    try:
        (share / "ready").write_bytes(b"x")
        (share / "ready").unlink()
    except OSError:
        return False
    return True


def _need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise NoMountError(f"no {' and no '.join(missing)} here")
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        raise NoMountError("mounting needs root and /dev/fuse")
