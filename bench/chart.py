#!/usr/bin/env python3
"""A chart of what bench/run.sh measured: BENCH.json -> SVG, for light and dark pages.

    chart.py BENCH.json CHART.svg

Left, how many of the canonical month's CDRs are rated in a second, by instruction set and threads, with the goal for
one core; right, where the nanoseconds of one go.
"""
import json
import math
import sys
from xml.sax.saxutils import escape

import table

WIDTH, BAR, GAP, TOP = 860, 18, 6, 64
LEFT, LEFT_WIDTH = 118, 270
RIGHT, RIGHT_WIDTH = 512, 330
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# Seven hues that are told apart by colour-blind readers, too (after Okabe and Ito); grey is the rest.
STAGE_HUES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800")
STYLE = """
    .page { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
    .line { stroke: #d1d9e0 } .goal { stroke: #cf222e } .goal-ink { fill: #cf222e }
    .one { fill: #0072b2 } .two { fill: #7db8dc } .rest { fill: #afb8c1 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } .ink { fill: #f0f6fc } .soft { fill: #9198a1 }
      .line { stroke: #3d444d } .goal { stroke: #ff7b72 } .goal-ink { fill: #ff7b72 }
      .one { fill: #3d9cd9 } .two { fill: #1d5a83 } .rest { fill: #57606a }
    }
"""


class Drawing:
    def __init__(self):
        self.parts = []

    def text(self, x, y, text, style="ink", size=12, anchor="start", weight=400):
        self.parts.append('<text x="%.1f" y="%.1f" class="%s" font-size="%d" text-anchor="%s" font-weight="%d">%s</text>'
                          % (x, y, style, size, anchor, weight, escape(text)))

    def bar(self, x, y, width, style=None, fill=None, tip=""):
        look = 'class="%s"' % style if style else 'fill="%s"' % fill
        self.parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="2" %s><title>%s</title></rect>'
                          % (x, y, max(width, 0.5), BAR, look, escape(tip)))

    def line(self, x1, y1, x2, y2, style="line", dashes=""):
        self.parts.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"%s/>'
                          % (x1, y1, x2, y2, style, ' stroke-dasharray="%s"' % dashes if dashes else ""))


def ticks(most):
    """Round steps, four to eight of them, up to the first one that holds everything."""
    step = 10 ** math.floor(math.log10(most))
    while most / step < 4:
        step /= 2
    while most / step > 8:
        step *= 2
    return [step * i for i in range(int(math.ceil(most / step)) + 1)]


def axis(drawing, x, width, top, bottom, most):
    marks = ticks(most)
    for mark in marks:
        at = x + width * mark / marks[-1]
        drawing.line(at, top, at, bottom)
        drawing.text(at, bottom + 16, "%g" % mark, "soft", 11, "middle")
    return width / marks[-1]


def draw_speeds(drawing, figures, goal):
    """Returns where it ends."""
    rows = [(simd, threads, figures.rating(simd, threads)) for simd in table.LEVELS for threads in (1, 2)]
    rows = [row for row in rows if row[2] is not None]
    drawing.text(LEFT - 94, TOP - 26, "Rating in memory, million CDRs a second", size=13, weight=600)
    if not rows:
        drawing.text(LEFT - 94, TOP + 14, table.ABSENT, "soft")
        return TOP + 20
    bottom = TOP + len(rows) * (BAR + GAP) + (len(rows) // 2) * GAP
    speeds = [1e3 / record["wall_ns"]["median"] for _, _, record in rows]
    scale = axis(drawing, LEFT, LEFT_WIDTH, TOP - 8, bottom, max(speeds + [goal]))
    drawing.line(LEFT + goal * scale, TOP - 12, LEFT + goal * scale, bottom, "goal", "4 3")
    drawing.text(LEFT + goal * scale, TOP - 14, "goal for one core", "goal-ink", 10, "end")
    y = TOP
    for (simd, threads, record), speed in zip(rows, speeds):
        if threads == 1:
            drawing.text(LEFT - 94, y + 13, table.LEVEL_NAMES[simd], weight=600)
        drawing.text(LEFT - 8, y + 13, str(threads), "soft", 11, "end")
        tip = "%s, %d thread%s: %s M CDR/s, %s ns a CDR" % (
            table.LEVEL_NAMES[simd], threads, "s" if threads > 1 else "", table.number(speed),
            table.number(record["wall_ns"]["median"]))
        drawing.bar(LEFT, y, speed * scale, "one" if threads == 1 else "two", tip=tip)
        drawing.text(LEFT + speed * scale + 5, y + 13, table.number(speed), size=11)
        y += BAR + GAP + (GAP if threads == 2 else 0)
    drawing.text(LEFT - 8, bottom + 16, "threads", "soft", 11, "end")
    return bottom + 16


def main_stages(figures, simds):
    """The stages that matter, most first, and each set's {stage: ns}."""
    found = {simd: {record["stage"]: record["ns"]["median"]
                    for record in figures.all("stage", part="month", world="month", simd=simd)} for simd in simds}
    found = {simd: stages for simd, stages in found.items() if stages}
    names = {name for stages in found.values() for name in stages}
    ordered = sorted(names, key=lambda name: (-sum(stages.get(name, 0) for stages in found.values()), name))
    return ordered[:len(STAGE_HUES)], found


def draw_stages(drawing, figures):
    names, found = main_stages(figures, table.LEVELS)
    drawing.text(RIGHT - 76, TOP - 26, "Where the nanoseconds of a CDR go, one thread", size=13, weight=600)
    if not found:
        drawing.text(RIGHT - 76, TOP + 14, table.ABSENT, "soft")
        return TOP + 20
    bottom = TOP + len(found) * (BAR + GAP * 2)
    scale = axis(drawing, RIGHT, RIGHT_WIDTH - 20, TOP - 8, bottom, max(sum(one.values()) for one in found.values()))
    y = TOP
    for simd, stages in found.items():
        drawing.text(RIGHT - 8, y + 13, table.LEVEL_NAMES[simd], anchor="end", weight=600)
        at = RIGHT
        for i, name in enumerate(names + [None]):
            ns = stages.get(name, 0) if name else sum(stages.values()) - sum(stages.get(one, 0) for one in names)
            style, fill = ("rest", None) if name is None else (None, STAGE_HUES[i])
            tip = "%s: %s ns" % (name or "all others", table.number(ns))
            drawing.bar(at, y, ns * scale, style, fill, tip)
            at += ns * scale
        y += BAR + GAP * 2
    return draw_legend(drawing, names, bottom + 40)


def draw_legend(drawing, names, y):
    for i, name in enumerate(names + [None]):
        x = RIGHT - 76 + i % 4 * 98
        line = y + i // 4 * 20
        drawing.bar(x, line - 11, 12, "rest" if name is None else None, None if name is None else STAGE_HUES[i])
        drawing.text(x + 18, line + 2, name or "others", "soft", 11)
    return y + (len(names) // 4) * 20


def chart(document):
    figures, drawing = table.Figures(document), Drawing()
    end = max(draw_speeds(drawing, figures, 100), draw_stages(drawing, figures))
    of = document["machine"]
    record = figures.one("rating", part="month")
    note = "The canonical month: {:,} CDRs, {:,} numbers, 16 decks of 148,000 prefixes, bundles, taxes. Medians.".format(
        record["cdrs"], record["numbers"]) if record else ""
    copied = ", memcpy %s GB/s" % table.number(figures.memcpy()) if figures.memcpy() else ""
    drawing.text(24, end + 34, note if not document["small"] else "A --small run: these figures mean nothing.", "soft", 11)
    drawing.text(24, end + 50, "%s, %d cores%s; %s, commit %s." % (of["processor"], of["cores"], copied,
                                                                  document["measured"], document["commit"]), "soft", 11)
    height = end + 68
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="%s" '
            'role="img" aria-label="Speed of rating by instruction set, and by stage">\n<style>%s</style>\n'
            '<rect class="page" width="100%%" height="100%%" rx="6"/>\n%s\n</svg>\n'
            % (WIDTH, height, WIDTH, height, FONT, STYLE, "\n".join(drawing.parts)))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as stream:
        text = chart(json.load(stream))
    with open(sys.argv[2], "w", encoding="utf-8") as stream:
        stream.write(text)


if __name__ == "__main__":
    main()
