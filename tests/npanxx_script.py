#!/usr/bin/env python3
"""tools/npanxx.py on small made-up lists: what it takes, what it leaves out, what it refuses, and where."""
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("TOLL_SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(SOURCE, "tools", "npanxx.py")
HEAD = "prefix,country,state,county,city,ratecenter,lata,area\n"

# As NANPA writes it: tabs, padded, a quote in a name.
CODES = ("State\tNPA-NXX\tOCN\tCompany\tRateCenter\tEffectiveDate\tUse\tAssignDate\tInitial/Growth\tPooled Code\r\n"
         "NY \t212-555\t9102\tNEW 5\" YORK TEL\tNWYRCYZN01\t\tAS\t\t\tN\r\n"
         "NJ \t201-221\t6529\tT\tHackensack\t05/01/2016\tAS\t02/26/2016\tG\tY\r\n"
         "NJ \t201-222\t\t\t\t\tUA\t\t\t\r\n"
         "NJ \t201-223\t\t\tHACKENSACK\t\tPR\t\t\t\r\n"
         "NN \t670-234\t1\tT\tSAIPAN  ISLAND\t\tAS\t\t\t\r\n"
         "PR \t787-200\t1\tT\tXXXXXXXXXX\t\tAS\t\t\t\r\n")
CODES_OUT = ["1201221,US,NJ,,,HACKENSACK,,", "1212555,US,NY,,,NWYRCYZN01,,", "1670234,US,MP,,,SAIPAN ISLAND,,",
             "1787200,US,PR,,,,,"]
# Another layout: commas, a title line, names with blanks, a LATA.
COMMAS = ("File Date,11/20/2026\n"
          "State,NPA-NXX,OCN,Company,Rate Center,LATA,Use\n"
          "TX,214-300,1,\"A, INC\",GRAND PRAI,552,AS\n"
          "TX,214-301,1,B,DALLAS,552,Assigned\n"
          "TX,214-302,1,B,DALLAS,552,VC\n")
BLOCKS = ("Region,State,NPA,NXX,X,STATUS,Block Available Date,Rate Center,OCN\n"
          "1,NJ,201,221,0,AS,,HACKENSACK,1\n"   # where its NPA-NXX is
          "1,NJ,201,221,1,AS,,ENGLEWOOD,2\n"
          "1,NJ,201,221,2,AV,,ENGLEWOOD,\n"
          "1,NJ,201,997,9,AS,,ENGLEWOOD,2\n")    # its NPA-NXX is in no list
CANADA = ("\"NPA\",\"CO Code (NXX)\",\"Status\",\"Exchange Area\",\"Province\",\"Company\",\"OCN\",\"Remarks\"\n"
          "\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"2026-11-20\"\n"
          "514,200,In Service,Montréal,QC,B,8051,\n"
          "514,201,Assigned,Montréal,QC,B,8051,\n"
          "867,200,In Service,Whitehorse,YT,N,8084,\n"
          "514,202,Available,,,,,\n"
          "416,300,In Service,Toronto,,B,8051,\n")
CANADA_OUT = ["1514200,CA,QC,,,MONTRÉAL,,", "1867200,CA,YT,,,WHITEHORSE,,"]


class Lists(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text, encoding="utf-8"):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(text.encode(encoding))
        return path

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, check=False,
                              cwd=self.folder.name)

    def made(self, *arguments):
        done = self.run_script(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        out = done.stdout.decode("utf-8")
        self.assertTrue(out.startswith(HEAD), out)
        return out[len(HEAD):].splitlines(), done.stderr.decode()

    def refused(self, code, words, *arguments):
        done = self.run_script(*arguments)
        text = done.stderr.decode()
        self.assertEqual(done.returncode, code, text)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(text.count("\n"), 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_codes(self):
        rows, told = self.made(self.write("codes.txt", CODES))
        self.assertEqual(rows, CODES_OUT)
        self.assertIn("6 rows: 4 prefixes; left out: 2 not in service", told)

    def test_other_layout(self):
        self.assertEqual(self.made(self.write("codes.csv", COMMAS))[0],
                         ["1214300,US,TX,,,GRAND PRAI,552,", "1214301,US,TX,,,DALLAS,552,"])
        self.assertEqual(self.made(self.write("codes.txt", "\ufeff" + COMMAS.replace(",", ";")))[0][1:],
                         ["1214301,US,TX,,,DALLAS,552,"])

    def test_blocks(self):
        rows, told = self.made(self.write("codes.txt", CODES), self.write("blocks.csv", BLOCKS))
        self.assertEqual(rows, sorted(CODES_OUT + ["12012211,US,NJ,,,ENGLEWOOD,,", "12019979,US,NJ,,,ENGLEWOOD,,"]))
        self.assertIn("3 not in service", told)
        self.assertIn("1 blocks like their NPA-NXX", told)

    def test_canada(self):
        for encoding in ("utf-8", "latin-1"):
            rows, told = self.made(self.write("canada.csv", CANADA, encoding))
            self.assertEqual(rows, CANADA_OUT)
            self.assertIn("5 rows: 2 prefixes; left out: 2 not in service, 1 without state", told)

    def test_order_of_lists(self):
        lists = [self.write("codes.txt", CODES), self.write("blocks.csv", BLOCKS), self.write("canada.csv", CANADA)]
        self.assertEqual(self.made(*lists)[0], self.made(*reversed(lists))[0])
        self.assertEqual(self.made(*lists)[0], self.made(*lists, lists[0])[0])  # a list twice

    def test_output(self):
        codes, table = self.write("codes.txt", CODES), os.path.join(self.folder.name, "npanxx.csv")
        self.assertEqual(self.run_script("-o", table, codes).returncode, 0)
        with open(table, encoding="utf-8", newline="") as file:
            self.assertEqual(file.read(), HEAD + "".join(row + "\n" for row in CODES_OUT))
        self.refused(65, ["bad.txt:2"], "-o", table, self.write("bad.txt", "State\tNPA-NXX\nNY\t2125555\n"))
        with open(table, encoding="utf-8", newline="") as file:
            self.assertEqual(len(file.read().splitlines()), 5)  # as it was
        self.refused(74, ["nowhere/npanxx.csv"], "-o", "nowhere/npanxx.csv", codes)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["bad.txt", "codes.txt", "npanxx.csv"])

    def test_named_columns(self):
        path = self.write("own.csv", "ST,Area,Prefix,RC,County Name,Live\nNY,212,555,NYC,KINGS,Y\nNY,212,556,NYC,,N\n")
        names = ["--state-column", "st", "--npa-column", "Area", "--nxx-column", "prefix", "--ratecenter-column", "RC",
                 "--county-column", "County Name", "--use-column", "Live", "--in-service", "y"]
        self.assertEqual(self.made(path, *names)[0], ["1212555,US,NY,KINGS,,NYC,,"])
        self.refused(65, ["own.csv:1", "--npanxx-column"], path)
        self.refused(65, ["--lata-column LATTE"], path, *names, "--lata-column", "LATTE")
        self.refused(65, ["no row is in service"], path, *names[:-1], "M")

    def test_refused(self):
        head = "State,NPA-NXX,Rate Center,Use\n"
        for row, words in (("NY,212-55,A,AS", "bad.csv:3: \"21255\" is no NPA-NXX"),
                           ("NY,112-555,A,AS", "no NPA-NXX"), ("NY,212-155,A,AS", "no NPA-NXX"),
                           ("ZZ,212-555,A,AS", "bad.csv:3: \"ZZ\" is no state"),
                           ("NY,212-555,A", "bad.csv:3: the row has less than 4 fields"),
                           ("CA,201-555,A,AS", "bad.csv:3: 1201555 lies in another place at ")):
            self.refused(65, [words], self.write("bad.csv", head + "NJ,201-555,A,AS\n" + row + "\n"))
        self.refused(65, ["is no thousands block"], self.write("bad.csv", "State,NPA,NXX,X\nNY,212,555,12\n"))
        self.refused(65, ["empty"], self.write("bad.csv", ""))
        self.refused(65, ["no column NPA-NXX"], self.write("bad.csv", "a,b\n1,2\n"))
        self.refused(65, ["no column State"], self.write("bad.csv", "NPA-NXX,b\n1,2\n"))
        self.refused(65, ["is no text"], self.write("bad.zip", "PK\0\0"))
        self.refused(66, ["there is no such file"], "none.csv")

    def test_help(self):
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        for words in (b"examples:", b"--ratecenter-column", b"COCodeStatus_ALL.csv"):
            self.assertIn(words, done.stdout)


if __name__ == "__main__":
    unittest.main()
