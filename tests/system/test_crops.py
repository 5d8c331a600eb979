"""`oomirror sync --crops` on a real S3 server: what is fetched, what opens, what is said of it."""

from __future__ import annotations

from tests.proxy import Proxy
from tests.system.workbench import Workbench, asking
from mirror.crops.spec import parse_crops


def test_x(lab: Workbench, proxy: Proxy) -> None:
    """X."""
    request = asking("b", crops=parse_crops("1"))
    report = lab.sync(request)
    print(report.model_dump_json(indent=1))
    for one in sorted(p.relative_to(lab.share) for p in lab.share.rglob("*") if p.is_file()):
        print(one)
    for r in proxy.seen:
        print(r)
    print(lab.run("ls", "jrc_hela-2", "--bucket", "b").stdout)
    print(lab.run("sync", "jrc_hela-2", "--bucket", "b", "-n", "--crops", "1"))
    print(lab.run("sync", "jrc_hela-2", "--bucket", "b", "-n", "--crops", "12"))
    print(lab.run("sync", "jrc_hela-2", "--bucket", "a", "-n", "--crops", "1"))
    print(lab.run("sync", "jrc_macrophage-2", "--bucket", "b", "-n", "--crops", "all"))
    assert 0
