"""A disk that is full: a tmpfs of every size from next to nothing to beyond the need, for an import and a rating.

While it does not fit: exit 74 (73 when not even a folder fits), one line that says what to do, nothing published and no
temporary left. At the first size that fits, and at every larger one: exit 0, and the result verifies. FULL_DISK_STEP is
the step in KiB, 64 by default. Such a disk also makes a file that is mapped and cannot be read.
"""
import os
import subprocess
import sys

import fault_tools as tools

STEP_KIB = int(os.environ.get("FULL_DISK_STEP", "512" if os.environ.get("TOLL_SANITIZE") else "64"))
CDRS = 60000  # a dataset and a run of a few MiB


def mount(size):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", "disk"])


def own_namespace():
    """Where mounting is nobody's business but ours; tried again inside a user namespace for those who are not root."""
    if os.environ.get("FULL_DISK_INSIDE"):
        return
    os.environ["FULL_DISK_INSIDE"] = "1"
    for options in ("-m", "-Urm"):
        tried = ["unshare", options, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if subprocess.run(tried, capture_output=True).returncode == 0:
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


def single_files():
    """Outputs of one file: an image of a book, an export of a run."""
    tools.ok("rate", "--book", "book.image", "--cdrs", "cdrs", "-o", "run", "--quiet")
    for name, arguments in (("book.image", ["compile", "book"]),
                            ("lines.csv", ["export", "run", "--cdrs", "cdrs", "--format", "csv"])):
        for size in (4, 8, 12, 16):
            assert mount(f"{size}k").returncode == 0
            try:
                code = attempt(f"{name} on {size} KiB", "disk", name, [*arguments, "-o", "disk/" + name])
                assert code != 0, (name, "fits")
            finally:
                subprocess.run(["umount", "disk"], check=True)
    print("compile and export: refused too, nothing left")


def unreadable():
    """A mapped file that has its length and cannot be read: of a hole's page a full tmpfs has none to give."""
    size = os.path.getsize("one.csv")
    assert mount("256k").returncode == 0
    try:
        with open("one.csv", "rb") as source, open("disk/holes.csv", "wb") as out:
            out.write(source.read(8192))
            out.truncate(size)
        with open("disk/filler", "wb", buffering=0) as out:
            try:
                while out.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass  # full
        done = tools.run("import", "--spec", tools.SPEC, "-o", "unread", "disk/holes.csv", "--quiet")
    finally:
        subprocess.run(["umount", "disk"], check=True)
    assert done.returncode == 74 and not os.path.exists("unread"), (done.returncode, done.stderr)
    tools.one_line(done, "a file that cannot be read")
    assert "holes.csv: could not be read at byte 8192 " in done.stderr, done.stderr
    print("a mapped file that cannot be read: exit 74, the file and the byte")


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
        single_files()
        unreadable()
    return 0


if __name__ == "__main__":
    sys.exit(main())
