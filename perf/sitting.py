"""One sitting of measurements: options, runs in turns, tables, JSON. main() is given the figures.

Exit code: 0; 1 a message was lost, doubled, reordered or misrouted, or a connection failed;
2 wrong usage; 3 a run could not be made; 130 interrupted. A missed aim is printed, no more.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import sys

import rig as machine

REST_S = 1  # before each run, to see whether the machine is at rest


class Table:
    """What the runs of one part at one size have given."""

    def __init__(self, part, conns):
        self.part, self.conns = part, conns
        self.runs, self.raw = [], []
        self.faults, self.failures, self.notes = [], [], []

    def run(self, rig, number):
        busy = machine.busy_percent(REST_S)
        if busy > machine.BUSY_MAX_PERCENT:
            self.notes.append(f"run {number}: this machine was {busy:.0f} % busy before it began")
        try:
            self.runs.append(self.part.measure(rig, self.conns))
        except machine.RunFailed as problem:
            self.failures.append(f"run {number}: {problem}")
        faults, notes, raw = rig.take()
        self.faults += [f"run {number}: {fault}" for fault in faults]
        self.notes += [f"run {number}: {note}" for note in notes]
        self.raw.append(raw)

    def values(self, row):
        return [run[row.key] for run in self.runs if run.get(row.key) is not None]

    def print(self):
        print(f"\n{self.conns:,} {self.part.of}: {self.part.title}")
        for row in self.part.rows:
            print_row(row, self.values(row))
        print("  " + ("NOT GOOD" if self.faults else self.part.verdict
                      if self.runs else "not measured"))
        for name, lines in (("fault", self.faults), ("no run", self.failures),
                            ("note", self.notes)):
            for line in lines:
                print(f"  {name}: {line}")
        if self.part.remark:
            print_wrapped(self.part.remark)
        sys.stdout.flush()

    def to_json(self):
        rows = {}
        for row in self.part.rows:
            values = self.values(row)
            rows[row.key] = {"label": row.label, "unit": row.unit, "runs": values}
            if values:
                median = statistics.median(values)
                rows[row.key] |= {"median": median, "aims": [
                    {"aim": f"{sign} {number}", "met": is_met(median, sign, number)}
                    for sign, number in row.aims]}
        return {"part": self.part.name, self.part.of: self.conns, "title": self.part.title,
                "rows": rows, "faults": self.faults, "failures": self.failures,
                "notes": self.notes, "wsbench": self.raw}


def is_met(value, sign, number):
    return value <= number if sign == "<=" else value >= number


def print_row(row, values):
    if not values:
        print(f"  {row.label:<42} {'-':>11}")
        return
    median = statistics.median(values)
    span = f"[{min(values):,.{row.decimals}f} .. {max(values):,.{row.decimals}f}]"
    verdicts = [f"{'PASS' if is_met(median, sign, number) else 'MISS'} {word} {sign} {number:,}"
                for word, (sign, number) in zip(("aim", "better"), row.aims)]
    line = f"  {row.label:<42} {median:>11,.{row.decimals}f} {row.unit:<6}" \
        f"{span if len(values) > 1 else '':<22} {', '.join(verdicts)}"
    print(line.rstrip())


def print_wrapped(text):
    line = " "
    for word in text.split():
        if len(line) + len(word) > 90:
            print(line)
            line = " "
        line += " " + word
    print(line)


def measure_figure(rig, name, parts, options):
    """Runs take turns, so that what changes on the machine meets all sizes alike."""
    tables = [Table(part, conns) for part in parts
              for conns in options.conns or part.sizes]
    for number in range(1, options.runs + 1):
        for table in tables:
            print(f"{name}, {table.part.name}, {table.conns:,} {table.part.of}: "
                  f"run {number} of {options.runs}", file=sys.stderr, flush=True)
            table.run(rig, number)
    print(f"\n== {name}: median [min .. max] of {options.runs} runs")
    for table in tables:
        table.print()
    return tables


def print_conditions(conditions):
    print("Conditions")
    for name, value in conditions.items():
        print(f"  {name:<14} {value}")
    if os.getloadavg()[0] > machine.LOAD_MAX:
        print(f"  WARNING: the load average is above {machine.LOAD_MAX}: something else runs here")
    if not conditions["build"].startswith("release") or "sanitizers" in conditions["build"]:
        print("  WARNING: this is not a release build")
    sys.stdout.flush()


def write_json(path, conditions, figures):
    if path:
        content = {"conditions": conditions, "figures": {
            name: [table.to_json() for table in tables] for name, tables in figures.items()}}
        path.write_text(json.dumps(content, indent=1) + "\n")


def between(low, high):
    def number(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text}: a number from {low} to {high}")
        return int(text)
    return number


def parse_options(figures, about):
    parser = argparse.ArgumentParser(description=about, add_help=True,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=[*figures, "all"])
    parser.add_argument("--runs", type=between(1, 100), default=3, help="of each [3]")
    parser.add_argument("--conns", type=between(1, 10000000), nargs="+", metavar="N",
                        help="connections (or what the figure counts), instead of its own")
    parser.add_argument("--shards", type=between(1, 64), default=4, help="of the broker [4]")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="conditions, all values and what wsbench said")
    parser.add_argument("--build", type=pathlib.Path, default=machine.ROOT / "build",
                        metavar="FOLDER", help="where belfry and wsbench are [build]")
    options = parser.parse_args()
    for name in ("belfry", "wsbench"):
        if not os.access(options.build / name, os.X_OK):
            parser.error(f"{options.build / name} is missing: meson compile -C build")
    return options


def interrupt(*_):
    """Once is enough: what follows is the stopping of everything."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


def sit(figures, about):
    """Measures what the command line asks for of `figures`: name -> parts. The exit code."""
    options = parse_options(figures, about)
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, interrupt)
    names = list(figures) if options.figure == "all" else [options.figure]
    measured = {}
    with machine.Rig(options.build.resolve(), options.shards) as rig:
        conditions = machine.conditions(rig)
        print_conditions(conditions)
        write_json(options.json, conditions, measured)
        for name in names:
            measured[name] = measure_figure(rig, name, figures[name], options)
            write_json(options.json, conditions, measured)
    tables = [table for name in names for table in measured[name]]
    if any(table.faults for table in tables):
        return 1
    return 3 if any(table.failures for table in tables) else 0


def main(figures, about):
    """sit(), and what ends it before its time."""
    try:
        return sit(figures, about)
    except KeyboardInterrupt:
        print("interrupted; everything is stopped", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 3
