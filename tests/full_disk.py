"""A disk that is full: a tmpfs of every size from next to nothing to beyond the need, for an import and a rating.

While it does not fit: exit 74 (73 when not even a folder fits), one line that says what to do, nothing published and no
temporary left. At the first size that fits, and at every larger one: exit 0, and the result verifies. FULL_DISK_STEP is
the step in KiB, 64 by default.
"""
import os
import subprocess
import sys

import fault_tools as tools

STEP_KIB = int(os.environ.get("FULL_DISK_STEP", "512" if os.environ.get("TOLL_SANITIZE") else "64"))
CDRS = 60000  # a dataset and a run of a few MiB


def mount(size):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", "disk"], capture_output=True, text=True)


def own_namespace():
    """Where mounting is nobody's business but ours; tried again inside a user namespace for those who are not root."""
    if os.environ.get("FULL_DISK_INSIDE"):
        return
    os.environ["FULL_DISK_INSIDE"] = "1"
    for options in ("-m", "-Urm"):
        if subprocess.run(["unshare", options, "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode == 0:
            os.execvp("unshare", ["unshare", options, sys.executable, __file__])
    tools.skip("no tmpfs may be mounted here, neither as root nor in a user namespace")


def attempt(what, output, manifest, arguments):
    """One run on the disk as it is mounted: its exit code, after looking at what it said and left."""
    done = tools.run(*arguments, "--quiet")
    left = sorted(os.listdir("disk"))
    if done.returncode == 0:
        assert left == [os.path.basename(output)], (what, left)
        tools.ok("verify", output)
        return 0
    assert done.returncode in (73, 74), (what, done.returncode, done.stderr)
    tools.one_line(done, what)
    assert "free some space" in done.stderr, (what, "does not say what to do", done.stderr)
    assert not os.path.exists(os.path.join(output, manifest)), (what, "published")
    files = [os.path.join(base, name) for base, _, names in os.walk("disk") for name in names]
    assert files == [] and not (manifest == "run.json" and left), (what, "left behind", files, left)
    return done.returncode


def sweep(name, output, manifest, arguments, floor):
    """All sizes, each on an empty disk."""
    codes = []
    size = 4  # a page; 0 would mean "no limit"
    while codes.count(0) < 3:
        assert size < 64 * 1024, (name, "never enough")
        assert mount(f"{size}k").returncode == 0
        try:
            codes.append(attempt(f"{name} on {size} KiB", output, manifest, arguments))
        finally:
            subprocess.run(["umount", "disk"], check=True)
        size = STEP_KIB if size == 4 else size + STEP_KIB
    refused = codes.index(0)
    assert not any(codes[refused:]), (name, "does not fit, but a smaller one did", codes)
    assert codes.count(74) > 1 and refused * STEP_KIB >= floor, (name, codes)
    print(f"{name}: refused {refused} sizes, exits {sorted(set(codes[:refused]))}; {refused * STEP_KIB} KiB are enough",
          flush=True)


def main():
    own_namespace()
    with tools.work_folder():
        tools.small_world(cdrs=CDRS // 2)
        os.mkdir("disk")
        importing = ["import", "--spec", tools.SPEC, "--max-rejects", "9", "one.csv", "two.csv", "-o"]
        tools.ok(*importing, "cdrs", "--quiet")
        tools.ok("compile", "book", "-o", "book.image", "--quiet")
        sweep("import", "disk/cdrs", "dataset.json", [*importing, "disk/cdrs"], floor=2048)
        for path in tools.rate_paths():
            rating = ["rate", "--book", "book.image", "--cdrs", "cdrs", "--io", path, "-o", "disk/run"]
            sweep(f"rate --io {path}", "disk/run", "run.json", rating, floor=1024)
    return 0


if __name__ == "__main__":
    sys.exit(main())
