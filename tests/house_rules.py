#!/usr/bin/env python3
"""The rules of the house that a compiler does not know: who includes whom, and how long a file may be.

house_rules.py [SOURCE_DIR]    checks engine/ and tools/; prints each violation as file:line and exits 1
house_rules.py --self-test     feeds itself bad examples and exits 1 unless each is found

The table of layers, foreign headers and limits is house_rules.txt beside this script.
"""
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PUBLIC_HEADER = re.compile(r"tollmill(_\w+)?\.h")
INCLUDE = re.compile(r'\s*#\s*include\s*(?:<([^>]*)>|"([^"]*)")')
# A comment, a string or a character: whichever begins first wins, as in the compiler.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
FLOATING = re.compile(r"\b(float|double)\b")
UNFINISHED = re.compile(r"\b(FIXME|TODO)\b")


class Rules:
    def __init__(self, path):
        self.layers, self.headers, self.limits = {}, [], {}
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.split("#")[0].split()
                if not words:
                    continue
                if words[0] == "layer" and len(words) > 2:
                    for room in words[2:]:
                        self.layers[room] = int(words[1])
                elif words[0] == "header" and len(words) == 3:
                    self.headers.append((words[1], words[2]))
                elif words[0] == "limit" and len(words) == 3:
                    self.limits[words[1]] = int(words[2])
                else:
                    sys.exit(f"{path}:{number}: not understood: {line.strip()}")


def blank(text, strings_too):
    """The text with comments (and strings) as spaces; line breaks stay."""

    def replace(match):
        token = match.group()
        if token[0] == "/" or strings_too:
            return re.sub(r"[^\n]", " ", token)
        return token

    return TOKEN.sub(replace, text)


def check_include(rules, root, room, folder, angled, quoted):
    """What is wrong with one include, or None."""
    if angled is not None:
        for prefix, owner in rules.headers:
            if (angled == prefix or (prefix.endswith("/") and angled.startswith(prefix))) and room != owner:
                return f"<{angled}> belongs to {owner}"
        target = angled.split("/")[0]
        if PUBLIC_HEADER.fullmatch(angled) or ("/" in angled and target in rules.layers):
            return f"<{angled}> is ours: include it in quotes"
        return None
    if PUBLIC_HEADER.fullmatch(quoted):
        return None
    for prefix, owner in rules.headers:
        if quoted == prefix or (prefix.endswith("/") and quoted.startswith(prefix)):
            return f'"{quoted}" belongs to {owner} and is included as <{quoted}>'
    if ".." in quoted.split("/"):
        return f'"{quoted}" leaves its folder'
    if room == "tools":
        if any(os.path.isfile(os.path.join(place, quoted)) for place in (folder, os.path.join(root, "tools"))):
            return None
        return f'"{quoted}": tools see only tollmill.h, tollmill_*.h and their own files'
    target, slash, _ = quoted.partition("/")
    if not slash or target not in rules.layers or target in ("include", "tools"):
        return f'"{quoted}": includes are written "room/file.h"'
    if target != room and rules.layers[target] >= rules.layers[room]:
        layers = rules.layers[room], rules.layers[target]
        return f'"{quoted}": {room} (layer {layers[0]}) may not include {target} (layer {layers[1]})'
    return None


def check_file(rules, root, path, room):
    """Yields (line, what) for one file."""
    with open(path, "rb") as file:
        raw = file.read()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        yield raw.count(b"\n", 0, error.start) + 1, "not UTF-8"
        return
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) > rules.limits["lines"]:
        yield rules.limits["lines"] + 1, f"{len(lines)} lines, more than {rules.limits['lines']}"
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > rules.limits["columns"]:
            yield number, f"more than {rules.limits['columns']} columns"
        if UNFINISHED.search(line):
            yield number, "unfinished work is not committed"
    for number, line in enumerate(blank(text, True).split("\n"), 1):
        if FLOATING.search(line):
            yield number, "floating point"
    for number, line in enumerate(blank(text, False).split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            wrong = check_include(rules, root, room, os.path.dirname(path), *match.groups())
            if wrong:
                yield number, wrong


def check_tree(rules, root):
    """All violations below root as (file, line, what)."""
    found = []
    for top in ("engine", "tools"):
        for folder, folders, files in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(files):
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.join(folder, name)
                shown = os.path.relpath(path, root)
                parts = shown.split(os.sep)
                room = "tools" if top == "tools" else parts[1] if len(parts) > 2 else None
                if room not in rules.layers:
                    found.append((shown, 1, "lies in no room of house_rules.txt"))
                    continue
                found += [(shown, line, what) for line, what in check_file(rules, root, path, room)]
    return found


# path, text, and the lines on which something must be found (the line numbers of a clean file are none).
SELF_TEST = [
    ("engine/base/good.c", '#include "base/good.h"\n#include "tollmill_error.h"\n#include <xxhash.h>\n'
                           "/* double, float */ const char *s = \"float \\\" double\"; // double\n", []),
    ("engine/base/good.h", "int doubled; /* a float\n double */ int floating;\n", []),
    ("engine/pipeline/good.c", '#include "book/x.h"\n#include "pipeline/y.h"\n#include "base/good.h"\n', []),
    ("tools/good.c", '#include "tollmill.h"\n#include "tollmill_segment.h"\n#include "good.h"\n', []),
    ("tools/good.h", "int x;\n", []),
    ("engine/base/upward.c", 'int x;\n#include "io/io.h"\n', [2]),
    ("engine/io/sideways.c", '#include "text/csv.h"\n', [1]),
    ("engine/io/spaced.c", ' #  include   "book/book.h"\n', [1]),
    ("engine/io/commented.c", '/* #include "book/book.h" */\n', []),
    ("engine/io/bare.c", '#include "io.h"\n#include "../base/money.h"\n#include "nowhere/x.h"\n', [1, 2, 3]),
    ("engine/include/tollmill.h", '#include "tollmill_error.h"\n#include "base/money.h"\n', [2]),
    ("engine/io/angled.c", "#include <base/money.h>\n#include <tollmill.h>\n#include <sys/stat.h>\n", [1, 2]),
    ("engine/io/hash.c", '#include <xxhash.h>\n#include <openssl/evp.h>\n#include "xxhash.h"\n', [1, 2, 3]),
    ("engine/io/ring.c", "#include <liburing.h>\n#include <yaml.h>\n", [2]),
    ("engine/text/tree.c", "#include <yaml.h>\n#include <liburing.h>\n", [2]),
    ("tools/peek.c", '#include "base/money.h"\n#include "tollmillet.h"\n#include <xxhash.h>\n', [1, 2, 3]),
    ("tools/verbs/deep.c", '#include "good.h"\n#include "../../engine/base/money.h"\n', [2]),
    ("engine/base/long.c", "int x;\n" * 901, [901]),
    ("engine/base/limit.c", "int x;\n" * 900, []),
    ("engine/base/wide.c", "x" * 110 + "\n" + "x" * 111 + "\n" + "\u00e9" * 110 + "\n", [2]),
    ("engine/base/unfinished.c", "// TODO\n/* FIXME: this */\nint TODOS;\n", [1, 2]),
    ("engine/base/rough.c", "int x; /* a */ float y;\nlong double z;\n'\"'; double w; /* \"\n*/ float v;\n",
     [1, 2, 3, 4]),
    ("engine/base/bytes.c", b"int x;\n/* \xff */\n", [2]),
    ("engine/attic/x.c", "int x;\n", [1]),
    ("engine/loose.c", "int x;\n", [1]),
    ("tests/anything.c", '#include <xxhash.h>\ndouble x; // TODO\n', []),
]


def self_test(rules):
    with tempfile.TemporaryDirectory() as root:
        expected = []
        for path, text, lines in SELF_TEST:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
            expected += [(path, line) for line in lines]
        found = [(path, line) for path, line, _ in check_tree(rules, root)]
    wrong = [f"not found: {path}:{line}" for path, line in expected if (path, line) not in found]
    wrong += [f"found without cause: {path}:{line}" for path, line in found if (path, line) not in expected]
    for line in wrong:
        print(line)
    return 1 if wrong or not expected else 0


def main():
    arguments = sys.argv[1:]
    rules = Rules(os.path.join(HERE, "house_rules.txt"))
    if arguments == ["--self-test"]:
        return self_test(rules)
    root = arguments[0] if arguments else os.path.dirname(HERE)
    if not os.path.isdir(os.path.join(root, "engine")):
        sys.exit(f"{root}: no engine/ in it; name the source folder")
    found = check_tree(rules, root)
    for path, line, what in found:
        print(f"{path}:{line}: {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
