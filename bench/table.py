#!/usr/bin/env python3
"""Tables of what bench/run.sh measured, in Markdown.

    table.py BENCH.json                       all of them
    table.py BENCH.json --only goals          one
    table.py BENCH.json --into PAGE.md        into a page, between its <!-- bench:NAME --> and <!-- end --> lines
    table.py BENCH.json --check PAGE.md       1 if the page says something else

All figures are medians; in brackets the least and the most. What was not measured is said so, not left out.
"""
import argparse
import difflib
import json
import re
import sys

BLOCK = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- end -->\n)", re.S)
LEVELS = ("scalar", "avx2", "avx512")
LEVEL_NAMES = {"scalar": "portable C", "avx2": "AVX2", "avx512": "AVX-512"}
ABSENT = "not measured"


class Figures:
    def __init__(self, document):
        self.document, self.records = document, document["records"]

    def all(self, what, **words):
        return [record for record in self.records
                if record["what"] == what and all(record.get(name) == word for name, word in words.items())]

    def one(self, what, **words):
        found = self.all(what, **words)
        return found[0] if found else None

    def memcpy(self):
        found = self.one("memcpy", part="machine", threads=1) or self.one("memcpy")
        return found["gb_per_s"]["median"] if found else None

    def touch(self, mb=16, touch="independent"):
        found = self.all("touch", touch=touch)
        found = [record for record in found if record["mb"] == mb] or found[1:2]
        return found[0]["ns"]["median"] if found else None

    def rating(self, simd, threads, part="month", world="month"):
        return self.one("rating", part=part, world=world, simd=simd, threads=threads)


def table(header, rows):
    """Markdown; columns but the first are to the right where all their cells are figures."""
    if not rows:
        return ABSENT + "\n"
    figures = [all(not row[i] or row[i][0] in "0123456789-+*" for row in rows) for i in range(len(header))]
    lines = ["| " + " | ".join(header) + " |",
             "|" + "|".join("--:" if right else "---" for right in figures) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value):
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


def spread(samples, scale=1):
    """"12.3 (11.8 to 14.0)"."""
    return "%s (%s to %s)" % tuple(number(samples[name] * scale) for name in ("median", "least", "most"))


def money(record):
    """The result beside a speed."""
    parts = [record.get("charge") and "%s %s" % (plain_money(record["charge"]), record.get("currency", ""))]
    parts += ["`%s`" % record[name][:8] for name in ("lines", "hash", "cdr_hash") if record.get(name)][:1]
    return ", ".join(part.strip() for part in parts if part)


def plain_money(text):
    whole, _, places = text.partition(".")
    return "{:,}".format(int(whole)) + "." + places.rstrip("0").ljust(2, "0")


def beside(figures, ns):
    """What else the machine does in the time of one."""
    parts = []
    if figures.memcpy():
        parts.append("memcpy of %s bytes" % number(ns * figures.memcpy()))
    if figures.touch():
        parts.append("%s random touches" % number(ns / figures.touch()))
    return ", ".join(parts)


# ---- the goals ----

def share(measured, wanted, most=False):
    """"reached" or how much of it; most: the goal is an upper limit."""
    part = wanted / measured if most else measured / wanted
    return "**reached**, %.2fx" % part if part >= 1 else "%.2f of it" % part


def rating_goals(figures):
    wanted = (("warm, AVX-512, 200,000 numbers", "month", "avx512", 100), ("portable C", "month", "scalar", 40),
              ("AVX-512, 5 million numbers", "many", "avx512", 60))
    for name, part, simd, goal in wanted:
        record = figures.rating(simd, 1, part)
        row = ["rating, one core: " + name, "%d M CDR/s" % goal]
        if record is None:
            yield row + [ABSENT, "", "", ""]
            continue
        ns = record["wall_ns"]["median"]
        yield row + ["%s M CDR/s, %s ns" % (number(1e3 / ns), number(ns)), share(1e3 / ns, goal), beside(figures, ns),
                     money(record)]
    record = figures.rating("avx512", 2) or figures.rating("avx2", 2) or figures.rating("scalar", 2)
    yield ["rating, two threads", "1.95x of one"] + (
        [ABSENT, "", "", ""] if record is None else
        ["%.2fx, %s M CDR/s" % (record["x_one_thread"], number(1e3 / record["wall_ns"]["median"])),
         share(record["x_one_thread"], 1.95), "", money(record)])


def file_goals(figures):
    for threads in (2, 1):
        record = figures.one("files", part="files", way="auto", threads=threads)
        row = ["file to file, cold, %d thread%s" % (threads, "s" if threads > 1 else ""), "0.90 of a raw copy"]
        if record is None or "of_raw" not in record:
            yield row + [ABSENT, "", "", ""]
            continue
        of_raw = record["of_raw"]["median"]
        yield row + ["%s of it, %s M CDR/s" % (spread(record["of_raw"]),
                                               number(record["cdrs"] / record["seconds"]["median"] / 1e6)),
                     share(of_raw, 0.90), "%s GB/s in and out" % number(record["gb_per_s"]), money(record)]
    record = figures.one("files", part="files") or figures.one("files", part="warm")
    yield ["a line", "26 bytes"] + ([ABSENT, "", "", ""] if record is None else
                                    ["%s bytes" % number(record["bytes_per_line"]),
                                     share(record["bytes_per_line"], 26, True), "", ""])


def import_goals(figures):
    for name, stage, key, goal, unit in (("import: text to typed columns", "index and type", "gb_per_s", 5, "GB/s"),
                                         ("import, whole", "whole import", "rows_per_s", 10e6, "M rows/s")):
        scale = 1e-6 if key == "rows_per_s" else 1
        row = [name + ", one core", "%g %s" % (goal * scale, unit)]
        found = figures.all("import", stage=stage, threads=1)
        if not found:
            yield row + [ABSENT, "", "", ""]
        for record in found:
            yield [row[0] + ", " + record["shape"], row[1], "%s %s" % (number(record[key] * scale), unit),
                   share(record[key], goal), "%.2f of memcpy" % record["of_memcpy"], money(record)]


def compile_goals(figures):
    for name, book, goal in (("compile: 200,000 prefixes and numbers", "deck", 0.150),
                             ("compile: 5 million numbers", "numbers", 3.0)):
        record = figures.one("compile", book=book, fsync=0)
        row = [name, "%g s" % goal]
        if record is None:
            yield row + [ABSENT, "", "", ""]
            continue
        seconds = record["seconds"]["median"]
        yield row + ["%s s" % spread(record["seconds"]), share(seconds, goal, True), "", money(record)]
    record = figures.one("number", book="numbers")
    yield ["memory for a number, of 5 million", "24 bytes"] + (
        [ABSENT, "", "", ""] if record is None else
        ["%s bytes in the image, %s in the lines that rating makes of it" % (number(record["image_bytes"]),
                                                                             number(record["line_bytes"])),
         share(max(record["image_bytes"], record["line_bytes"]), 24, True), "", ""])


def peer_rows(figures):
    """No goal, but what people ask: the same work in other systems, on all threads of both."""
    for record in figures.all("peer", work="columns to lines"):
        for threads, times in sorted(record["tollmill_times"].items())[-1:]:
            yield ["rating from columns to lines, beside %s" % record["system"], "",
                   "%sx its speed, of %s CDRs on %s threads" % (number(times), "{:,}".format(record["cdrs"]), threads), "", "",
                   money(record)]


def goals(figures):
    parts = (rating_goals, file_goals, import_goals, compile_goals, peer_rows)
    rows = [row for part in parts for row in part(figures)]
    return table(["Goal", "Wanted", "Measured", "", "In the same time", "Result"], rows)


# ---- the figures ----

def machine(figures):
    document, of = figures.document, figures.document["machine"]
    caches = ", ".join("%s %s" % pair for pair in of["caches"].items())
    text = "Measured %s at commit %s on %s, %d cores (%s), %d GiB, Linux %s; %s, %s build.\n" % (
        document["measured"], document["commit"], of["processor"], of["cores"], caches, of["memory_gib"], of["kernel"],
        document["compiler"], document["build"])
    return text + ("**These are of a --small run and mean nothing.**\n" if document["small"] else "")


def limits(figures):
    rows = []
    for record in figures.all("memcpy", part="machine"):
        rows.append(["memcpy, %d thread%s" % (record["threads"], "s" if record["threads"] > 1 else ""),
                     spread(record["gb_per_s"]) + " GB/s"])
    for record in figures.all("touch"):
        rows.append(["random touch of %g MB, %s" % (record["mb"], record["touch"]), spread(record["ns"]) + " ns"])
    for record in figures.all("device"):
        rows.append(["device, raw, " + record["transfer"], spread(record["gb_per_s"]) + " GB/s"])
    return table(["What the machine gives", "Median (least to most)"], rows)


def rating_rows(figures, part, worlds):
    for world in worlds:
        for threads in (1, 2):
            for simd in LEVELS:
                record = figures.rating(simd, threads, part, world)
                if record is None:
                    continue
                yield [world, "{:,}".format(record["numbers"]), str(threads), LEVEL_NAMES[simd],
                       number(1e3 / record["wall_ns"]["median"]), spread(record["wall_ns"]),
                       number(record["cpu_ns"]["median"]), "%.2f" % record["x_scalar"],
                       "%.2f" % record["x_one_thread"], money(record)]


RATING = ["World", "Numbers", "Threads", "Kernels", "M CDR/s", "ns a CDR", "ns of CPU", "x portable", "x 1 thread", "Result"]


def month(figures):
    return table(RATING, [*rating_rows(figures, "month", ["month"]), *rating_rows(figures, "many", ["month"])])


def worlds(figures):
    """With what each takes more than the plain one, by the processor's time."""
    names, rows = [], []
    for record in figures.all("rating", part="worlds"):
        names += [record["world"]] if record["world"] not in names else []
    for row in rating_rows(figures, "worlds", names):
        simd = next(simd for simd in LEVELS if LEVEL_NAMES[simd] == row[3])
        plain, own = (figures.rating(simd, int(row[2]), "worlds", world) for world in ("plain", row[0]))
        more = ["", ""]
        if plain and own is not plain:
            ns = [record["cpu_ns"]["median"] for record in (plain, own)]
            more = ["%.2f" % (ns[0] / ns[1]), "%+.1f" % (ns[1] - ns[0])]
        rows.append(row[:-1] + more + row[-1:])
    return table(RATING[:-1] + ["of plain", "ns more", "Result"], rows)


def stages(figures):
    cells, names, columns = {}, [], []
    for part, label in (("month", "200,000"), ("many", "5 million")):
        for simd in LEVELS:
            found = figures.all("stage", part=part, world="month", simd=simd)
            columns += [(part, simd, label)] if found else []
            for record in found:
                names += [record["stage"]] if record["stage"] not in names else []
                cells[part, simd, record["stage"]] = record["ns"]["median"]
    rows = [[name] + ["%.2f" % cells.get((part, simd, name), 0) for part, simd, _ in columns] for name in names]
    rows += [["*all*"] + ["%.2f" % sum(cells.get((part, simd, name), 0) for name in names) for part, simd, _ in columns]]
    return table(["Stage, ns a CDR"] + ["%s, %s" % (LEVEL_NAMES[simd], label) for _, simd, label in columns],
                 rows if names else [])


def files(figures):
    rows = []
    for part in ("files", "warm"):
        for record in figures.all("files", part=part):
            of_raw = spread(record["of_raw"]) if "of_raw" in record else ""
            rows.append([record["cache"], str(record["threads"]), record["way"], spread(record["seconds"]),
                         number(record["cdrs"] / record["seconds"]["median"] / 1e6) if of_raw else "",
                         number(record["gb_per_s"]), of_raw, money(record)])
    return table(["CDRs", "Threads", "Way", "s", "M CDR/s", "GB/s in and out", "of the raw copy", "Result"], rows)


def imports(figures):
    rows = [[record["shape"], record["stage"], str(record["threads"]), number(record["gb_per_s"]),
             number(record["rows_per_s"] / 1e6), number(1e9 / record["rows_per_s"]), "%.2f" % record["of_memcpy"],
             money(record)] for record in figures.all("import")]
    return table(["File", "Stage", "Threads", "GB/s", "M rows/s", "ns a row", "of memcpy", "Result"], rows)


def compiles(figures):
    rows = [[record["book"], "yes" if record["fsync"] else "no", spread(record["seconds"]),
             number(record["image_bytes"] / 1e6), number(record["peak_mb"]), money(record)]
            for record in figures.all("compile")]
    text = table(["Book", "fsync", "s", "image, MB", "peak MB", "Image"], rows)
    stages = [[record["book"], record["stage"], "%.1f" % (record["seconds"]["median"] * 1e3)]
              for record in figures.all("compile stage") if record["seconds"]["median"] >= 1e-3]
    return text + ("\n" + table(["Book", "Stage", "ms"], stages) if stages else "")


def tax(figures):
    rows = [[record["world"], "{:,}".format(record["buckets"]), spread(record["seconds"]),
             number(record["ns_per_bucket"]), "{:,}.{:02d}".format(*divmod(record["cents"], 100)) + ", `%s`"
             % record["hash"][:8]] for record in figures.all("tax register")]
    return table(["Register", "Buckets", "s", "ns a bucket", "Result"], rows)


def whatif(figures):
    rows = [[record["world"], record["way"], spread(record["seconds"]), spread(record["of_one_book"]),
             spread(record["cpu_seconds"])] for record in figures.all("whatif")]
    return table(["World", "What", "s", "of one book", "s of processor"], rows)


def kernels(figures):
    names = []
    for record in figures.all("kernel"):
        names += [record["kernel"]] if record["kernel"] not in names else []
    rows = []
    for name in names:
        found = {record["simd"]: spread(record["ns"]) for record in figures.all("kernel", kernel=name)}
        rows.append([name] + [found.get(simd, "") for simd in LEVELS])
    return table(["Kernel, ns a row"] + [LEVEL_NAMES[simd] for simd in LEVELS], rows)


def peers(figures):
    rows = []
    for record in figures.all("peer"):
        times = ", ".join("%sx with %s thread%s" % (number(times), threads, "s" if threads != "1" else "")
                          for threads, times in sorted(record["tollmill_times"].items()))
        rows.append(["{:,}".format(record["cdrs"]), record["work"], record["system"] + " " + record["version"],
                     str(record["threads"]), spread(record["seconds"]),
                     "%.2f" % (record["cdrs"] / record["seconds"]["median"] / 1e6), times,
                     money(record) + ("" if record["equal"] else ", **different**")])
    rows.sort(key=lambda row: (-int(row[0].replace(",", "")), row[1], -float(row[5])))
    return table(["CDRs", "Work", "System", "Threads", "s", "M CDR/s", "tollmill is faster", "Result"], rows)


TABLES = {"machine": machine, "goals": goals, "limits": limits, "month": month, "stages": stages, "files": files,
          "imports": imports, "compiles": compiles, "tax": tax, "worlds": worlds, "whatif": whatif, "kernels": kernels, "peers": peers}


def with_tables(page, figures):
    def replace(match):
        if match.group(2) not in TABLES:
            sys.exit("there is no table \"%s\"; they are %s" % (match.group(2), ", ".join(TABLES)))
        return match.group(1) + "\n" + TABLES[match.group(2)](figures) + "\n" + match.group(3)

    return BLOCK.sub(replace, page)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench")
    parser.add_argument("--only", choices=TABLES)
    parser.add_argument("--into")
    parser.add_argument("--check")
    arguments = parser.parse_args()
    with open(arguments.bench, encoding="utf-8") as stream:
        figures = Figures(json.load(stream))
    page = arguments.into or arguments.check
    if page is None:
        for name in [arguments.only] if arguments.only else TABLES:
            print("\n%s\n" % name if not arguments.only else "")
            print(TABLES[name](figures), end="")
        return 0
    with open(page, encoding="utf-8") as stream:
        old = stream.read()
    new = with_tables(old, figures)
    if arguments.into:
        with open(page, "w", encoding="utf-8") as stream:
            stream.write(new)
        return 0
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), page, arguments.bench))
    return 1 if old != new else 0


if __name__ == "__main__":
    sys.exit(main())
