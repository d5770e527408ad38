"""SIGKILL at random moments of import and rate: never a manifest that does not verify, and the next run succeeds.

KILLS (default 20 here; the long run uses 200) moments are spread over the measured length of an undisturbed run. What a
killed run leaves is either nothing, an unpublished temporary, or a complete result; each is checked after every kill.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
KILLS = int(os.environ.get("KILLS", "20"))
CDRS = int(os.environ.get("KILL_CDRS", "60000"))
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")


def command(*arguments):
    return [TOLLMILL, *arguments, "--quiet"]


def ok(*arguments):
    done = subprocess.run(command(*arguments), capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)


def killed(arguments, seconds):
    """Starts, waits, kills; True when the kill came before the end."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return process.returncode == -signal.SIGKILL


def length(arguments):
    before = time.monotonic_ns()
    ok(*arguments)
    return (time.monotonic_ns() - before) / 1e9


def kill_many(name, arguments, output, manifest, prepare, rng):
    prepare()
    whole = length(arguments)
    hits = published = 0
    for _ in range(KILLS):
        prepare()
        hits += killed(arguments, rng.random() * whole)
        if os.path.exists(os.path.join(output, manifest)):
            ok("verify", output)
            published += 1
        else:
            ok(*arguments)
            ok("verify", output)
    print(f"{name}: {KILLS} runs, {hits} killed, {published} had published, every manifest verified")
    assert hits > 0


def main():
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as work:
        at = lambda *parts: os.path.join(work, *parts)
        ok("gen", "-o", at("world"), "--cdrs", str(CDRS), "--numbers", "2000", "--accounts", "200", "--files", "2")
        files = sorted(os.path.join(at("world"), n) for n in os.listdir(at("world")) if n.endswith(".csv"))
        first, second = files[0], files[1]

        def no_dataset():
            shutil.rmtree(at("ds"), ignore_errors=True)

        kill_many("import", ["import", "--spec", SPEC, "-o", at("ds"), first], at("ds"), "dataset.json", no_dataset, rng)

        no_dataset()
        ok("import", "--spec", SPEC, "-o", at("ds"), first)
        shutil.copytree(at("ds"), at("base"))

        def one_generation():
            shutil.rmtree(at("ds"), ignore_errors=True)
            shutil.copytree(at("base"), at("ds"))

        kill_many("second import", ["import", "--spec", SPEC, "-o", at("ds"), second], at("ds"), "dataset.json",
                  one_generation, rng)

        def no_run():
            shutil.rmtree(at("run"), ignore_errors=True)

        kill_many("rate", ["rate", "--book", at("world", "book"), "--cdrs", at("ds"), "-o", at("run")], at("run"),
                  "run.json", no_run, rng)
    return 0


if __name__ == "__main__":
    sys.exit(main())
