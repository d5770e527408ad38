"""Two runs on one output: the second ends at once with 75 and one line, the first finishes as if alone.

The first is stopped inside a write of its own, so that nothing depends on time. `compile` waits for its turn instead,
since an image is replaced as a whole. A dataset that is being imported into is rated as it was.
"""
import os
import subprocess
import sys

import fault_tools as tools


def refused(what, second, output):
    before = tools.tree(output) if os.path.isdir(output) else None
    done = tools.run(*second)
    assert done.returncode == 75, (what, done.returncode, done.stderr)
    tools.one_line(done, what)
    assert os.path.basename(output) in done.stderr, (what, done.stderr)
    assert before is None or tools.tree(output) == before, (what, "the second one touched the output")


def second_is_refused(job, seconds):
    """Several second runs while the first stands still."""
    job.start()
    with tools.Stopped(job.arguments, "pwrite64:when=2") as first:
        for second in seconds:
            refused(f"{job.name}, the second run", second, job.output)
        done = first.go_on()
    assert done.returncode == 0 and done.stderr == "", (job.name, done.returncode, done.stderr)
    assert job.check_published(job.name) and tools.tree(job.output) == job.expected, job.name
    print(f"{job.name}: {len(seconds)} second runs refused, the first one finished")


def compile_waits():
    """The second compile sleeps on the lock (as /proc/locks says) until the first one is done."""
    tools.ok("compile", "book", "-o", "alone.image", "--quiet")
    command = ["compile", "book", "-o", "book.image", "--quiet"]
    with tools.Stopped(command, "pwrite64:when=1") as first:
        second = subprocess.Popen([tools.TOLLMILL, *command], stderr=subprocess.PIPE, text=True)
        try:
            while not any("->" in line and f" {second.pid} " in line for line in open("/proc/locks", encoding="ascii")):
                assert second.poll() is None, ("did not wait", second.returncode, second.communicate())
            assert not os.path.exists("book.image")
            done = first.go_on()
            _, talk = second.communicate(timeout=tools.TIMEOUT_S)
        finally:
            second.kill()
            second.wait()
    assert done.returncode == 0 and second.returncode == 0 and talk == "", (done.stderr, talk)
    assert tools.read("book.image") == tools.read("alone.image")
    print("compile: the second one waited for the first")


def export_is_refused():
    command = ["export", "run", "--cdrs", "both", "--format", "csv", "-o", "lines.csv", "--quiet"]
    with tools.Stopped(command, "write:when=1") as first:
        refused("export", command, "lines.csv")
        done = first.go_on()
    assert done.returncode == 0, done.stderr
    assert tools.read("lines.csv").decode() == tools.ok(*command[:-3])
    print("export: the second one was refused")


def reading_while_written(second, rate):
    """A reader beside a writer sees the generation that is published."""
    arguments = [second.output if one == "both" else one for one in rate.arguments]
    second.start()
    rate.start()
    tools.ok(*arguments)
    old = tools.tree("run")
    rate.start()
    nth = next(call.nth for call in tools.trace(second.arguments, "umask,openat") if "dataset.json.tmp" in call.text)
    second.start()
    with tools.Stopped(second.arguments, f"openat:when={nth}") as first:
        tools.ok(*arguments)
        assert tools.tree("run") == old, "a rating saw an import that was not published"
        tools.ok("verify", second.output)
        assert first.go_on().returncode == 0
    rate.start()
    tools.ok(*arguments)
    assert tools.tree("run") != old, "the import changed nothing: this shows nothing"
    print("rate beside an import: the published generation, whole")


def main():
    tools.need_strace()
    with tools.work_folder():
        first, second, rate = tools.small_jobs()
        second_is_refused(first, [first.arguments, second.arguments])
        second_is_refused(second, [second.arguments, first.arguments])
        others = [rate.with_option("--threads", "2"), *(rate.with_option("--io", path) for path in tools.rate_paths())]
        second_is_refused(rate, [rate.arguments, *(other.arguments for other in others)])
        compile_waits()
        export_is_refused()
        reading_while_written(second, rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
