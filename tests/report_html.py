#!/usr/bin/env python3
"""The HTML reports in a headless Chromium: no error, no request, sorts by a click, works without script.

report_html.py [--shots FOLDER]    the pages that test_html and test_html_delta write; screenshots go to FOLDER. Skips (77) without a
browser: TOLL_SETUP=packages tools/setup.sh installs it where it is wanted.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import browser

PAGES = ["whatif", "sweep", "compare", "run", "delta", "delta-empty", "empty", "extremes"]


def expect(what, is_so):
    if not is_so:
        sys.exit(f"FAILED: {what}")


def check_quiet(page, path):
    expect(f"{path}: the console says {page.complaints()}", not page.complaints())
    expect(f"{path}: it asks for {page.requests()}", page.requests() == ["file://" + os.path.abspath(path)])
    expect(f"{path}: a name became markup",
           page.run("document.querySelectorAll('script').length === 1 && !document.querySelector('img, iframe, [onclick]')"))


COLUMN = """(function (table, head) {
  var at = Array.from(table.tHead.rows[0].cells).findIndex(function (cell) { return cell.textContent.trim() === head; });
  return Array.from(table.tBodies[0].rows).map(function (row) {
    return row.cells[at].dataset.v || row.cells[at].textContent; });
})(document.getElementById('%s'), '%s')"""
BUTTON = "#%s thead th:nth-child(%d) button"
SHOWN = "Array.from(document.getElementById('%s').tBodies[0].rows).filter(function (row) { return !row.hidden; }).length"


def place(page, table, head):
    heads = page.run(f"Array.from(document.getElementById('{table}').tHead.rows[0].cells).map(c => c.textContent.trim())")
    return heads.index(head) + 1


def check_sorting(page):
    table = "accounts-1"
    before = page.run(COLUMN % (table, "Account"))
    page.click(BUTTON % (table, place(page, table, "Then")))
    down = [int(value) for value in page.run(COLUMN % (table, "Then"))]
    expect("a click on a head of figures sorts, the largest first", down == sorted(down, reverse=True))
    expect("rows move as a whole", page.run(COLUMN % (table, "Account")) != before)
    page.click(BUTTON % (table, place(page, table, "Then")))
    up = [int(value) for value in page.run(COLUMN % (table, "Then"))]
    expect("a second click turns it round", up == sorted(up) and up != down)
    expect("and the head says so", page.run(
        f"document.querySelector('#{table} th[aria-sort=ascending]').textContent.trim()") == "Then")
    page.click(BUTTON % (table, place(page, table, "Account")))
    names = page.run(COLUMN % (table, "Account"))
    plain = [name for name in names if name.startswith("A0")]
    expect("texts sort from A to Z", plain == sorted(plain) and len(plain) > 100)


def check_finding(page):
    table = "accounts-1"
    expect("a long table is folded", page.run(SHOWN % table) == 12)
    page.run("(function () { var i = document.querySelector('#whom-1 .tools input'); i.value = 'a0042';"
             " i.dispatchEvent(new Event('input')); })()")
    expect("a row is found by a word", page.run(SHOWN % table) == 1)
    page.run("(function () { var i = document.querySelector('#whom-1 .tools input'); i.value = '';"
             " i.dispatchEvent(new Event('input')); })()")
    rows = page.run(f"document.querySelectorAll('#{table} tr[data-in=c12]').length")
    page.click("a[data-find=c12]")
    expect("a bar of the distribution shows its accounts", page.run(SHOWN % table) == rows and rows > 1)
    page.click("#whom-1 .tools button:nth-of-type(2)")
    page.click("#whom-1 .tools button:nth-of-type(1)")
    expect("all rows on demand", page.run(SHOWN % table) == page.run(
        f"document.getElementById('{table}').tBodies[0].rows.length"))


def check_books(page):
    shown = "Array.from(document.querySelectorAll('article.book')).filter(a => !a.hidden).map(a => a.id).join()"
    expect("one book of several is shown", page.run(shown) == "book-1")
    page.run("window.changed = new Promise(function (done) { window.addEventListener('hashchange', done); }), 0")
    page.click("nav.books a[href='#book-3']")
    page.run("window.changed.then(function () { return 0; })")
    expect("and another one when it is chosen", page.run(shown) == "book-3")


def check_width(page, name):
    expect(f"{name}: nothing is wider than the window",
           page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shots")
    parser.add_argument("pages", nargs="*", help="other pages, which are opened and photographed only")
    arguments = parser.parse_args()
    program = browser.find()
    if not program:
        print("no Chromium here: CHROMIUM=/path/to/it, or TOLL_SETUP=packages TOLL_BROWSER=1 tools/setup.sh")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, browser.Browser(program) as chromium:
        paths = arguments.pages
        if not paths:
            for program in (os.environ["TEST_HTML"], os.environ["TEST_HTML_DELTA"]):
                subprocess.run([program, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            paths = [f"{folder}/{name}.html" for name in PAGES]
        for path in paths:
            name = os.path.basename(path)[:-5]
            page = chromium.open(path)
            check_quiet(page, path)
            check_width(page, name)
            if arguments.shots:
                page.screenshot(f"{arguments.shots}/{name}.png")
            if name == "whatif" and not arguments.pages:
                check_finding(page)
                check_sorting(page)
            if name == "sweep" and not arguments.pages:
                check_books(page)
            if name == "delta" and not arguments.pages:
                page.click("#accounts a[data-find=a39]")
                expect("an account shows its lines", 0 < page.run(SHOWN % "lines-table") == page.run(
                    "document.querySelectorAll('#lines-table tr[data-in=a39]').length"))
            check_quiet(page, path)
            page.close()
            if name == "extremes":
                continue
            narrow = chromium.open(path, width=390, dark=True)
            check_quiet(narrow, path)
            check_width(narrow, name)
            expect(f"{name}: dark where it is wanted", narrow.run(
                "getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)")
            if arguments.shots:
                narrow.screenshot(f"{arguments.shots}/{name}-narrow.png")
            narrow.close()
            if arguments.shots:
                for kind in ({"dark": True}, {"media": "print", "width": 760}):
                    page = chromium.open(path, **kind)
                    page.screenshot(f"{arguments.shots}/{name}-{kind.get('media') or 'dark'}.png")
                    if "media" in kind:
                        page.pdf(f"{arguments.shots}/{name}.pdf")
                    page.close()
        if not arguments.pages:
            bare = chromium.open(f"{folder}/whatif.html", script=False)
            check_quiet(bare, f"{folder}/whatif.html")
            shown = bare.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
            expect("without script nothing is folded", shown > 15000)
            bare.close()


if __name__ == "__main__":
    main()
