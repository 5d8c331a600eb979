"""wrk: the rate at which the server answers when nothing is done with the bodies; what a perfect client could reach."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.blocks import BUCKET
from bench.objects import Objects
from bench.origins import Origin
from mirror.errors import MirrorError, UsageError

# The requests are made once; what is left to Lua for each is a look into a table.
_SCRIPT = """\
local requests, n = {}, 0
function init(arguments)
    for path in io.lines(arguments[1]) do requests[#requests + 1] = wrk.format("GET", path) end
end
function request()
    n = n % #requests + 1
    return requests[n]
end
"""


def find_wrk() -> Path:
    """Return the program.

    Raises
    ------
    UsageError
        It is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise UsageError(
            "cannot ask for the server's own rate", "wrk", found="no such program", hint="apt-get install wrk"
        )
    return Path(found)


def requests_per_second(program: Path, origin: Origin, objects: Objects, *, connections: int, seconds: int) -> float:
    """Return how many objects a second one thread of wrk reads, each object in turn.

    Raises
    ------
    MirrorError
        It failed, or was answered with something else than objects.
    """
    with tempfile.TemporaryDirectory(prefix="oomirror-wrk-") as folder:
        script, paths = Path(folder) / "read.lua", Path(folder) / "paths"
        script.write_text(_SCRIPT)
        paths.write_text("".join(f"/{BUCKET}/{key}\n" for key in objects.digests))
        command = [
            str(program),
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            f"-s{script}",
            origin.endpoint_url,
            "--",
            str(paths),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MirrorError("wrk failed", origin.endpoint_url, found=f"{done.returncode}: {done.stderr.strip()}")
    return parse_rate(done.stdout)


def parse_rate(output: str) -> float:
    """Return the requests a second that wrk says.

    Raises
    ------
    MirrorError
        Some were not answered, or with an error.
    """
    faults = re.findall(r"^ *(?:Socket errors|Non-2xx or 3xx responses):.*", output, re.MULTILINE)
    rate = re.search(r"^Requests/sec: +([0-9.]+)$", output, re.MULTILINE)
    if faults or rate is None:
        raise MirrorError("wrk could not read the objects", found="; ".join(map(str.strip, faults)) or output.strip())
    return float(rate[1])
