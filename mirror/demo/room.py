"""What a server on loopback needs of the machine: a block of free ports and a folder that does not stay behind."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import socket
import tempfile
from pathlib import Path

from mirror.errors import MirrorError
from mirror.lock import is_process_alive

GRPC_OFFSET = 10_000
"""SeaweedFS opens a gRPC port that much above each of its ports."""
N_PORTS = 4
_FIRST_PORT = 11_000
_LAST_PORT = 22_000
_NAME = re.compile(r"^oomirror-s3-([0-9]+)-([0-9]+)-")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  tmpfs on purpose: file creation is 30 times cheaper there


def free_port_block(chance: random.Random) -> int:
    """Return a port P below 22000 so that P..P+3 and the gRPC ports above them are free now.

    Below the ephemeral ports, so that no outgoing connection takes one in between.

    Raises
    ------
    MirrorError
        None was found in 200 tries.
    """
    for _ in range(200):
        port = chance.randrange(_FIRST_PORT, _LAST_PORT - N_PORTS, N_PORTS)
        if all(_is_free(port + i) and _is_free(port + i + GRPC_OFFSET) for i in range(N_PORTS)):
            return port
    raise MirrorError("no free ports on 127.0.0.1", expected=f"{N_PORTS} in a row below {_LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: a port whose last connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


def make_folder(port: int) -> Path:
    """Return a new folder for the data of the server on `port`, on tmpfs where there is one.

    What killed runs left is removed.
    """
    parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(parent)
    return Path(tempfile.mkdtemp(prefix=f"oomirror-s3-{os.getpid()}-{port}-", dir=parent))


def _sweep(parent: Path) -> None:
    for folder in parent.glob("oomirror-s3-*"):
        match = _NAME.match(folder.name)
        if match and not is_process_alive(int(match[1])):
            remove_sockets(int(match[2]))
            shutil.rmtree(folder, ignore_errors=True)


def remove_sockets(port: int) -> None:
    """Remove the sockets that SeaweedFS leaves in /tmp, named for its ports and nothing else."""
    for number in (*range(port, port + N_PORTS), *range(port + GRPC_OFFSET, port + GRPC_OFFSET + N_PORTS)):
        for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108  where that server puts them
            path.unlink(missing_ok=True)
