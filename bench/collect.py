#!/usr/bin/env python3
"""Joins what the benches (FOLDER/parts/*.json) and bench/peers (FOLDER/peers.json) measured into FOLDER/bench.json.

    collect.py FOLDER [--build BUILD] [--source SOURCE] [--small]

With the machine, the compiler and the commit, without which a figure says nothing. Each record gets the part it is of;
bench/table.py and bench/chart.py read the result.
"""
import argparse
import glob
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone


def first_match(path, begins):
    try:
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                if line.startswith(begins):
                    return line[len(begins):].strip(" \t:=\n")
    except OSError:
        pass
    return ""


def run(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def caches():
    """{"L1d": "32K", "L2": "2048K", ...} as the kernel tells."""
    found = {}
    for place in sorted(glob.glob("/sys/devices/system/cpu/cpu0/cache/index*")):
        level, kind = (first_match(os.path.join(place, name), "") for name in ("level", "type"))
        if kind != "Instruction":
            found["L" + level + ("d" if kind == "Data" else "")] = first_match(os.path.join(place, "size"), "")
    return found


def machine():
    return {
        "processor": first_match("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "caches": caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)),
        "kernel": platform.release(),
    }


def compiler(build):
    path = first_match(os.path.join(build, "CMakeCache.txt"), "CMAKE_C_COMPILER:FILEPATH")
    kind = first_match(os.path.join(build, "CMakeCache.txt"), "CMAKE_BUILD_TYPE:STRING")
    return {"compiler": run(path, "--version").split("\n")[0] if path else "", "build": kind}


PEER_STEPS = {"load": "text to columns", "lines": "columns to lines", "text": "text to lines", "sums": "in memory"}


def peers(path):
    """Each system and step of bench/peers, as a record."""
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
    except FileNotFoundError:
        return
    for world in document["worlds"]:
        for system in world["systems"]:
            for step in PEER_STEPS:
                if step not in system:
                    continue
                taken = sorted(system[step]["s"])
                yield {"what": "peer", "part": "peers", "system": system["name"], "version": system["version"],
                       "threads": system["threads"], "work": PEER_STEPS[step], "cdrs": world["cdrs"],
                       "seconds": {"median": taken[len(taken) // 2], "least": taken[0], "most": taken[-1],
                                   "count": len(taken)},
                       "tollmill_times": system[step].get("tollmill_times", {}), "equal": world["equal"],
                       "charge": world["totals"]["charge"], "hash": world["accounts_sha256"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--build", default="build-bench")
    parser.add_argument("--source", default=".")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    records = []
    for path in sorted(glob.glob(os.path.join(arguments.folder, "parts", "*.json"))):
        with open(path, encoding="utf-8") as stream:
            part = json.load(stream)
        name = os.path.splitext(os.path.basename(path))[0]
        records += [dict(record, part=name) for record in part["records"]]
    records += peers(os.path.join(arguments.folder, "peers.json"))
    if not records:
        sys.exit("%s: nothing was measured" % os.path.join(arguments.folder, "parts"))
    document = {
        "schema": "tollmill.benches/1",
        "small": arguments.small,
        "measured": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": run("git", "-C", arguments.source, "describe", "--always", "--dirty"),
        "machine": machine(),
        **compiler(arguments.build),
        "records": records,
    }
    path = os.path.join(arguments.folder, "bench.json")
    with open(path + ".tmp", "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=1)
        stream.write("\n")
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
