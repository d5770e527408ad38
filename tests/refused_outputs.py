"""Outputs that cannot be made and inputs that may not be read: the right exit code, one line, nothing changed.

As root, who may do everything, the runs are made as nobody.
"""
import os
import shutil
import subprocess
import sys

import fault_tools as tools

NOBODY = 65534
USER = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []


def attempt(arguments, codes, word, what, prefix=()):
    done = subprocess.run([*prefix, *USER, tools.TOLLMILL, *arguments, "--quiet"], capture_output=True, text=True,
                          timeout=tools.TIMEOUT_S)
    assert done.returncode in codes, (what, done.returncode, done.stderr)
    tools.one_line(done, what)
    assert word in done.stderr, (what, word, done.stderr)


def outputs(verbs):
    """What stands in the way of an output, by how its path ends."""
    os.mkdir("closed", 0o555)
    with open("file", "w", encoding="utf-8") as out:
        out.write("somebody's\n")
    os.mkdir("taken")
    os.symlink("nowhere", "link")
    for verb, arguments in verbs.items():
        before = tools.tree(".")
        for path, why in (("closed/out", "Permission denied"), ("nowhere/out", "No such file"),
                          ("file/out", "Not a directory")):
            attempt([*arguments, "-o", path], (73,), why, f"{verb} -o {path}")
        if verb.startswith("rate"):
            for path in ("file", "taken", "link"):
                attempt([*arguments, "-o", path], (73,), "exists already", f"{verb} -o {path}")
        elif verb == "import":
            attempt([*arguments, "-o", "file"], (73,), "is a file", f"{verb} -o file")
        else:
            attempt([*arguments, "-o", "taken"], (73,), "is a folder", f"{verb} -o taken")
        assert tools.tree(".") == before, (verb, set(tools.tree(".").items()) ^ set(before.items()))
    os.chmod("closed", 0o755)


def read_only(verbs):
    """On a file system that is mounted read-only."""
    os.mkdir("frozen")
    namespace = next((["unshare", flags] for flags in ("-m", "-Urm")
                      if subprocess.run(["unshare", flags, "mount", "--bind", "frozen", "frozen"],
                                        capture_output=True).returncode == 0), None)
    if namespace is None or (not USER and os.geteuid() != 0 and namespace[1] == "-m"):
        print("no bind mount is allowed here: the read-only file system is skipped")
        return
    mount = [*namespace, "sh", "-c", 'mount --bind frozen frozen && mount -o remount,bind,ro frozen && exec "$@"', "sh"]
    for verb, arguments in verbs.items():
        attempt([*arguments, "-o", "frozen/out"], (73,), "Read-only file system", f"{verb} on a read-only mount", mount)


def inputs(verbs):
    """Inputs that are there and may not be read."""
    for path, verb in (("one.csv", "import"), ("cdrs", "rate"), ("cdrs/dataset.json", "rate"), ("cdrs/parts", "rate"),
                       ("book", "rate"), ("book/numbers.csv", "rate"), ("book", "compile"),
                       ("earlier", "rate --only-suspense"), ("earlier/run.json", "rate --only-suspense"),
                       ("earlier/lines", "rate --only-suspense"), ("earlier/book.image", "rate --only-suspense")):
        mode = os.stat(path).st_mode
        before = tools.tree(".")
        os.chmod(path, 0)
        attempt([*verbs[verb], "-o", "out"], (66, 74), "Permission denied", f"{verb} may not read {path}")
        os.chmod(path, mode)
        assert tools.tree(".") == before, (verb, path, set(tools.tree(".").items()) ^ set(before.items()))
    os.chmod("cdrs", 0)
    attempt(["verify", "cdrs"], (66, 74), "Permission denied", "verify")
    os.chmod("cdrs", 0o755)


def main():
    with tools.work_folder() as work:
        os.chmod(work, 0o755)
        tools.small_world(cdrs=400)
        tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "--max-rejects", "9", "one.csv", "--quiet")
        shutil.copy(tools.SPEC, "spec.yaml")
        if USER:
            if subprocess.run([*USER, tools.TOLLMILL, "--version"], capture_output=True).returncode != 0:
                tools.skip("the command cannot be run as nobody from here")
            for base, folders, names in os.walk("."):
                for name in [".", *folders, *names]:
                    os.chown(os.path.join(base, name), NOBODY, NOBODY)
        verbs = {
            "import": ["import", "--spec", "spec.yaml", "one.csv"],
            "rate": ["rate", "--book", "book", "--cdrs", "cdrs"],
            "compile": ["compile", "book"],
            "rate --only-suspense": ["rate", "--book", "book", "--cdrs", "cdrs", "--only-suspense", "earlier"],
        }
        done = subprocess.run([*USER, tools.TOLLMILL, *verbs["rate"], "-o", "earlier", "--quiet"], capture_output=True)
        assert done.returncode == 0, done
        outputs(verbs)
        read_only(verbs)
        inputs(verbs)
    print("outputs that cannot be and inputs that may not be read: refused, one line each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
