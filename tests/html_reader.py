"""Reads an HTML report with Python's own parser, and refuses what no report may hold."""
import base64
import hashlib
import sys
from html.parser import HTMLParser

VOID = {"meta", "wbr", "br", "input"}
REFERENCES = {"src", "srcset", "action", "formaction", "data", "poster", "background", "style", "xlink:href"}


def refuse(what):
    sys.exit("FAILED: " + what)


class Report(HTMLParser):
    """tables: id -> rows of (text, exact value or None); text: of everything, as a reader sees it."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.path, self.open, self.ids, self.links = path, [], set(), set()
        self.tables, self.table, self.row, self.cell = {}, None, None, None
        self.inside = {"script": [], "style": [], "title": []}
        self.policy, self.words = None, []
        with open(path, encoding="utf-8", newline="") as file:
            self.feed(file.read())
        self.close()
        if self.open:
            refuse(f"{path}: {self.open} stay open")
        if self.links - self.ids:
            refuse(f"{path}: links lead nowhere: {sorted(self.links - self.ids)}")
        self.check_policy()

    def check_policy(self):
        if len(self.inside["script"]) != 1 or len(self.inside["style"]) != 1:
            refuse(f"{self.path}: {len(self.inside['script'])} scripts, {len(self.inside['style'])} styles")
        allowed = [f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
                   for kind, text in (("style", self.inside["style"][0]), ("script", self.inside["script"][0]))]
        wanted = "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])
        if self.policy != wanted:
            refuse(f"{self.path}: the policy is {self.policy}, not {wanted}")

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        for name in given:
            if name in REFERENCES or name.startswith("on"):
                refuse(f"{self.path}: <{tag} {name}>")
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        if "href" in given:
            if not given["href"].startswith("#"):
                refuse(f"{self.path}: leads to {given['href']}")
            self.links.add(given["href"][1:])
        if "id" in given:
            if given["id"] in self.ids:
                refuse(f"{self.path}: two of id {given['id']}")
            self.ids.add(given["id"])
        if tag in self.inside:
            self.inside[tag].append("")
        if tag == "table":
            self.table = self.tables.setdefault(given["id"], [])
        if tag == "tr":
            self.row = []
        if tag in ("td", "th"):
            self.cell = ["", given.get("data-v")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            refuse(f"{self.path}:{self.getpos()[0]}: </{tag}> closes nothing")
        if tag in ("td", "th"):
            self.row.append(tuple(self.cell))
            self.cell = None
        if tag == "tr":
            self.table.append(self.row)

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.inside[self.open[-1]][-1] += data
            return
        self.words.append(data)
        if self.cell is not None:
            self.cell[0] += data

    def text(self):
        return " ".join("".join(self.words).split())

    def rows(self, table):
        """As dictionaries by the heads of the table: exact values as int, else texts."""
        heads = [text for text, _ in self.tables[table][0]]
        return [{head: int(value) if value else text for head, (text, value) in zip(heads, row)}
                for row in self.tables[table][1:]]
