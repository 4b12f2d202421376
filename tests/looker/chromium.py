"""A real, headless Chromium for tests, spoken to in its DevTools protocol over a pipe.

The protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Self

from scripts.command import CommandError

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Chromium:
    """One tab, in British English.

    `problems` are what the console said of the page, content security policy included, and
    `requests` the addresses it asked for.
    """

    def __init__(self, home: Path) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", 'exec "$@" 3<&"$PIPE" 4>&"$PIPE"', "bash", *_command(home)],
            env=os.environ | {"PIPE": str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self._socket = ours
        self._received = bytearray()
        self._last_id = 0
        self._session: dict[str, str] = {}
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._attach()
        self._call("Emulation.setLocaleOverride", locale="en-GB")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()  # Chromium ends when nobody listens
        self._process.wait()

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file afresh, wait until it has loaded, and forget what came before."""
        for url in ("about:blank", page.as_uri() + fragment):
            self.problems.clear()
            self.requests.clear()
            self._call("Page.navigate", url=url)
            while self._receive().get("method") != "Page.loadEventFired":
                pass

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript condition holds in the page, at most half a minute."""
        held = self.evaluate(
            "new Promise((done) => { const look = () =>"
            f" ({condition}) ? done(true) : requestAnimationFrame(look);"
            " look(); setTimeout(() => done(false), 30e3); })"
        )
        assert held, f"{condition}: {self.problems}"

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is awaited."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        """Make the window `width` CSS pixels wide."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def press(self, key: str, code: int) -> None:
        """Press a key, given its name and Windows key code."""
        for kind in ("rawKeyDown", "char", "keyUp"):
            text = {"text": "\r"} if kind == "char" and key == "Enter" else {}
            self._call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                **text,
            )

    def screenshot(self, *, height: int = 0) -> bytes:
        """The page as a PNG, from its top to `height` or to its end."""
        width, whole = self.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": height or whole, "scale": 1}
        answer = self._call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
        )
        return base64.b64decode(answer["data"])

    def prefer(self, scheme: str, media: str = "") -> None:
        """Ask for a light or dark page, for a screen or, with "print", on paper."""
        self._call(
            "Emulation.setEmulatedMedia",
            media=media,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def _attach(self) -> None:
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        answer = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": answer["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **params: object) -> dict[str, Any]:
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params} | self._session
        self._socket.sendall(json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._last_id:
            pass
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _receive(self) -> dict[str, Any]:
        """The next message: an answer or an event."""
        while b"\0" not in self._received:
            data = self._socket.recv(1 << 20)
            if not data:
                raise AssertionError("Chromium has ended")
            self._received += data
        text, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"]["exception"]["description"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.problems.append(str([argument.get("value") for argument in params["args"]]))
        elif method == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith("data:"):  # the browser's own pictures, such as a calendar's
                self.requests.append(url)


def holds_charts(page: Path, home: Path) -> bool:
    """Whether a dashboard draws a chart when it is opened; Chromium keeps its files in `home`."""
    with Chromium(home) as browser:
        browser.open(page)
        browser.wait_for("document.querySelector('.body svg')")
        return not browser.problems


def _command(home: Path) -> list[str]:
    binary = next(filter(None, map(shutil.which, NAMES)), None)
    if binary is None:
        raise CommandError(f"None of {', '.join(NAMES)} is on the PATH: apt-get install chromium")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's sandbox does not serve root
    return [
        binary,
        "--headless",
        "--disable-gpu",
        "--hide-scrollbars",
        "--remote-debugging-pipe",
        f"--user-data-dir={home}",
        *sandbox,
    ]
