"""SeaweedFS, a real object store in one binary, on ports of 127.0.0.1."""

import json
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from simplyload.demo.server import free_port

# What the keys of the tests may do; `reader` may not write.
KEYS = {"owner": ["Admin"], "reader": ["Read", "List"]}


@contextmanager
def running_weed(folder: Path) -> Iterator[str]:
    """Start a server whose data is in the folder, yield the address of its S3 API, stop it."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"identities": [*map(_identity, KEYS.items())]}))
    port = free_port()
    ports = [
        f"-{part}.port{kind}={port if (part, kind) == ('s3', '') else free_port()}"
        for part in ("master", "volume", "filer", "s3")
        for kind in ("", ".grpc")
    ]
    more = ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64"]
    address = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-volume.max=20"]
    program = str(Path(sysconfig.get_path("scripts"), "weed"))
    command = [program, "server", "-s3", *address, *ports]
    with (folder / "weed.log").open("w") as log:
        server = subprocess.Popen(
            [*command, *more, f"-s3.config={keys}"], stdout=log, stderr=log, cwd=folder
        )
        try:
            _wait(f"http://127.0.0.1:{port}/", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()  # it takes half a minute to end, and its data is not needed
            server.wait()


def _identity(key: tuple[str, list[str]]) -> dict[str, object]:
    name, actions = key
    credentials = [{"accessKey": name, "secretKey": secret_of(name)}]
    return {"name": name, "credentials": credentials, "actions": actions}


def secret_of(key: str) -> str:
    """Give the secret that belongs to a key: a canary, which must be seen nowhere."""
    return f"canary-{key}-9f2c"


def _wait(address: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            urlopen(address, timeout=5)  # noqa: S310 - an address of this machine
        except HTTPError:  # it wants a signature
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"weed does not answer at {address}")
