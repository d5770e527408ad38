"""A headless Chromium, driven by its own debugging protocol over two pipes: nothing to install beside it.

find() tells where it is: CHROMIUM, else on the path; None: there is none. Nothing is ever loaded from a network.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find():
    given = os.environ.get("CHROMIUM")
    if given:
        return given
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    def __init__(self, program, seconds=60):
        self.deadline = time.monotonic() + seconds
        self.home = tempfile.TemporaryDirectory(prefix="tollmill-browser-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The browser reads descriptor 3 and writes 4: a shell puts them there, whatever numbers they have here.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "sh", program, "--headless", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
             "--remote-debugging-pipe", "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={self.home.name}/profile"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.home.name})
        os.close(theirs_in)
        os.close(theirs_out)
        self.reads, self.writes = ours_in, ours_out
        self.buffer, self.last, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.writes)
        os.close(self.reads)
        self.process.kill()
        self.process.wait()
        self.home.cleanup()

    def _message(self):
        while b"\0" not in self.buffer:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.reads], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.reads, 1 << 20)
            if not more:
                raise EOFError(f"the browser is gone ({self.process.wait()})")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.last += 1
        request = {"id": self.last, "method": method, "params": params}
        if session:
            request["sessionId"] = session
        os.write(self.writes, json.dumps(request).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == request["id"]:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def open(self, path, width=1200, script=True, dark=False, media=""):
        return Page(self, path, width, script, dark, media)


class Page:
    def __init__(self, browser, path, width, script, dark, media):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.first = len(browser.events)
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while not self.events("Page.loadEventFired"):
            browser.events.append(browser._message())

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def events(self, method):
        return [event["params"] for event in self.browser.events[self.first:]
                if event.get("method") == method and event.get("sessionId") == self.session]

    def run(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def click(self, selector):
        """As a hand does it: where the middle of the element is, by the mouse."""
        box = self.run("(function () { var e = document.querySelector(%s); e.scrollIntoView({block: 'center'});"
                       " var r = e.getBoundingClientRect();"
                       " return [r.left + r.width / 2, r.top + r.height / 2]; })()" % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def complaints(self):
        """Whatever the console says, and what was thrown."""
        said = [entry["entry"]["text"] for entry in self.events("Log.entryAdded")]
        said += [json.dumps(event["args"]) for event in self.events("Runtime.consoleAPICalled")]
        return said + [event["exceptionDetails"]["text"] for event in self.events("Runtime.exceptionThrown")]

    def requests(self):
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def screenshot(self, path, height=None):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or min(size["height"], 9000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def pdf(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
