"""tollmill rate --memory: a dataset more than four times larger than the bound is rated within it, with the same bytes as
without a bound, on one thread and two. The kernel's own figure is held against it: the most that the process had
resident, less what the program has when it only says its version and the pages of the image, which is mapped. A bound that is
too small is refused before anything is made, with the size that would do; that size does.
"""
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
MIB = 1 << 20
CDRS = 1_800_000


def run(*arguments):
    """The exit code, what was said, and the most that was resident."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen([TOLLMILL, *arguments], stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        return child.returncode, out.read(), err.read(), usage.ru_maxrss * 1024


def ok(*arguments):
    code, out, err, peak = run(*arguments)
    assert code == 0, (arguments, code, err)
    return out, peak


def same(left, right):
    names = [sorted(os.path.relpath(os.path.join(folder, name), top) for folder, _, files in os.walk(top)
                    for name in files if name != "stats.json") for top in (left, right)]
    return names[0] == names[1] and all(
        filecmp.cmp(os.path.join(left, name), os.path.join(right, name), shallow=False) for name in names[0])


def main():
    if os.environ.get("TOLL_SANITIZE"):
        print("a sanitizer has memory of its own: not tried")
        return 77
    with tempfile.TemporaryDirectory(prefix="tollmill-") as work:
        at = lambda *parts: os.path.join(work, *parts)
        ok("gen", "-o", at("world"), "--cdrs", str(CDRS), "--numbers", "3000", "--accounts", "200", "--quiet")
        for name in os.listdir(at("world", "book", "decks")):  # a small book: what it takes is not what grows
            with open(at("world", "book", "decks", name), encoding="utf-8") as deck:
                lines = deck.readlines()[:2000]
            with open(at("world", "book", "decks", name), "w", encoding="utf-8") as deck:
                deck.writelines(lines)
        delivery = [at("world", name) for name in sorted(os.listdir(at("world"))) if name.endswith(".csv")]
        ok("import", "--spec", SPEC, "-o", at("cdrs"), *delivery, "--quiet")
        ok("compile", at("world", "book"), "-o", at("book.image"), "--quiet")
        rate = ["rate", "--book", at("book.image"), "--cdrs", at("cdrs"), "--json", "-o"]
        ok(*rate, at("free"), "--threads", "2")
        size = sum(os.path.getsize(at("cdrs", "parts", name)) for name in os.listdir(at("cdrs", "parts")))

        code, _, err, _ = run(*rate, at("refused"), "--memory", "1")
        assert code == 2 and err.count("\n") == 1, (code, err)
        least = int(re.search(r"needs at least (\d+) MiB .* for 3000 numbers", err)[1]) * MIB
        assert run(*rate, at("refused"), "--memory", str(least - MIB))[0] == 2
        assert not [name for name in os.listdir(work) if name.startswith("refused")]
        assert size > 4 * least, f"{size / MIB:.0f} MiB of CDRs is not four times {least / MIB:.0f} MiB"

        program = ok("--version")[1] + os.path.getsize(at("book.image"))
        for bound in (least, size // 4):
            for threads, path in (("1", "auto"), ("2", "auto"), ("2", "io_uring"), ("1", "pread")):
                out, peak = ok(*rate, at("bound"), "--threads", threads, "--memory", str(bound), "--io", path)
                result = json.loads(out)
                assert result["memory_reserved_bytes"] <= bound, result
                assert peak <= bound + program, (peak, bound, program, threads, path)
                assert 0 < result["memory_peak_bytes"] <= peak
                with open(at("bound", "stats.json"), encoding="utf-8") as stats:
                    assert json.load(stats)["io"]["read"]["mmap"] == 0
                assert same(at("free"), at("bound"))
                subprocess.run(["rm", "-r", at("bound")], check=True)
        print(f"{size / MIB:.0f} MiB of CDRs with {least / MIB:.0f} MiB: {size / least:.1f} times the bound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
