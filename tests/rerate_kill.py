"""SIGKILL in the system calls of a rerate and of a ledger's post.

After each kill: the old run is what it was, the new run and the delta are whole or not there, nothing is locked, and the next
command (the same, or `delta` where only the new run is there) ends with the bytes of one that nobody disturbed.
KILL_CALLS=all takes every call; by default those that change the file system, or a part of them, and a sample of the others.
"""
import os
import random
import shutil
import signal
import sys

import fault_tools as tools
from kill_calls import is_changing

ALL = os.environ.get("KILL_CALLS") == "all"
MOST = int(os.environ.get("KILL_MOST", "40"))  # of each job
RERATE = ["rerate", "earlier", "--book", "new", "-o", "again", "--threads", "1", "--io", "mmap", "--quiet"]
DELTA = ["delta", "earlier", "again", "-o", "again.delta", "--threads", "1", "--quiet"]
POST = ["ledger", "books", "--post", "whole.delta", "--quiet"]


def remove(*names):
    for name in names:
        if os.path.isdir(name):
            shutil.rmtree(name)


def chosen(arguments, code, rng, start):
    start()
    calls = tools.trace(arguments, code=code)
    every = sorted({(call.name, call.nth) for call in calls})
    if ALL:
        return every
    changing = sorted({(call.name, call.nth) for call in calls if is_changing(call)})
    most = MOST // 3 if os.environ.get("TOLL_SANITIZE") else MOST
    # What publishes is always among them.
    must = [one for one in changing if one[0].startswith("rename")]
    others = [one for one in every if one not in must]
    return must + rng.sample(others, min(len(others), most - len(must)))


def clean():
    remove("again", "again.delta", "again.tollmill.tmp", "again.delta.tollmill.tmp")


def kill_rerate(name, nth, old, expected):
    what = "rerate, killed in %s %d" % (name, nth)
    clean()
    done = tools.injected(RERATE, f"{name}:signal=KILL:when={nth}")
    assert done.returncode in (1, -signal.SIGKILL), (what, done.returncode, done.stderr)
    assert tools.tree("earlier", skipped=()) == old, what
    for out in "again", "again.delta":
        if os.path.exists(out):
            assert tools.tree(out) == expected[out], (what, out)
    if os.path.exists("again.delta"):
        assert os.path.exists("again"), what
    elif os.path.exists("again"):
        done = tools.run(*DELTA)
        assert done.returncode == 1, (what, done.returncode, done.stderr)
    else:
        done = tools.run(*RERATE)
        assert done.returncode == 1, (what, done.returncode, done.stderr)
    assert {out: tools.tree(out) for out in expected} == expected, what
    assert not [left for left in os.listdir(".") if left.endswith(".tmp")], (what, os.listdir("."))
    assert tools.tree("earlier", skipped=()) == old, what


def post_start():
    remove("books")
    shutil.copytree("books-before", "books")


def kill_post(name, nth, before, after):
    what = "ledger --post, killed in %s %d" % (name, nth)
    post_start()
    done = tools.injected(POST, f"{name}:signal=KILL:when={nth}")
    assert done.returncode in (0, -signal.SIGKILL), (what, done.returncode, done.stderr)
    found = {path: digest for path, digest in tools.tree("books").items() if ".tollmill.tmp" not in path}
    assert found in (before, after), what
    tools.ok("verify", "books")
    tools.ok("ledger", "books", "--json")
    done = tools.run(*POST)
    assert done.returncode == (0 if found == before else 65), (what, done.returncode, done.stderr)
    assert tools.tree("books") == after, what


def main():
    tools.need_strace()
    rng = random.Random(4)
    with tools.work_folder():
        tools.small_world(cdrs=800)
        tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "--max-rejects", "9", "one.csv", "--quiet")
        shutil.copytree("book", "new")
        with open("new/surcharges.csv", "w", encoding="utf-8") as out:
            out.write("subject,measure,amount,short_s\ndefault,attempts,0.02,\ndefault,short_calls,0.02,30\n")
        decks = [name for name in sorted(os.listdir("new/decks"))]
        for name in decks:  # every rate twice as much, in its first digits
            path = os.path.join("new", "decks", name)
            with open(path, encoding="utf-8") as text:
                header, *rows = text.read().splitlines()
            at = header.split(",").index("rate")
            cells = [row.split(",") for row in rows]
            for row in cells:
                if len(row) > at and row[at]:
                    row[at] = "1" + row[at]
            with open(path, "w", encoding="utf-8") as out:
                out.write("\n".join([header] + [",".join(row) for row in cells]) + "\n")
        tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "earlier", "--quiet")
        old = tools.tree("earlier", skipped=())
        done = tools.run(*RERATE)
        assert done.returncode == 1, (done.returncode, done.stderr)
        expected = {out: tools.tree(out) for out in ("again", "again.delta")}
        assert any(name.startswith("lines/") for name in expected["again.delta"]), "no line has changed"
        shutil.copytree("again.delta", "whole.delta")
        places = chosen(RERATE, 1, rng, clean)
        for name, nth in places:
            kill_rerate(name, nth, old, expected)
        print(f"rerate: killed in {len(places)} calls, nothing lost, half-written or locked", flush=True)

        tools.ok("ledger", "books-before", "--post", "earlier", "--quiet")
        before = tools.tree("books-before")
        post_start()
        tools.ok(*POST)
        after = tools.tree("books")
        places = chosen(POST, 0, rng, post_start)
        for name, nth in places:
            kill_post(name, nth, before, after)
        print(f"ledger --post: killed in {len(places)} calls, posted whole or not at all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
