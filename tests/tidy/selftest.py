#!/usr/bin/env python3
"""Checks tidy itself: a small clean repository has no finding, and each change to it that breaks
one rule is found under that rule's name and no other's.

Prints a last line "tidy selftest: N passed, N failed".
"""

import os
import sys
import tempfile

import tidy
from tree import Tree

MANUAL = """/* {name} - a thing of the fixture.
 *
 * Layer   base
 * Threads any
 * Memory  none
 * Errors  none
 */
#ifndef {guard}
#define {guard}
"""


def header(name, guard, body):
    return MANUAL.format(name=name, guard=guard) + "\n" + body + "\n#endif\n"


LIST = "sources = files(\n{}\n)\n"

CLEAN = {
    "src/base/meson.build": LIST.format("  'one.c',"),
    "src/base/one.h": header("base/one.h", "BELFRY_BASE_ONE_H", "int one_get(int a);\n"),
    "src/base/one.c": '/* base/one.c - a thing. */\n#include "base/one.h"\n\n'
                      "int one_get(int a)\n{\n\tif (a)\n\t\treturn 1;\n\treturn 0;\n}\n",
    "src/wire/meson.build": LIST.format("  'two.c',"),
    "src/wire/two.c": '/* wire/two.c - a thing. */\n#include "base/one.h"\n',
    "src/log/meson.build": LIST.format("  'three.c',"),
    "src/log/three.c": "/* log/three.c - a thing. */\n#include <stdatomic.h>\n",
    "tests/unit/base/meson.build": "foreach name : [\n  'one',\n]\n  x = name + '_test.c'\n",
    "tests/unit/base/one_test.c": "/* tests/unit/base/one_test.c - a thing. */\n",
    "ARCHITECTURE.md": "The way in is `src/base/one.c`, and `src/wire/` is above it.\n",
    "tools/go": "#!/bin/sh\n",
}

TWO = CLEAN["src/wire/two.c"]
ONE = CLEAN["src/base/one.c"]


def function(body, parameters="void"):
    return f"\nstatic int f({parameters})\n{{\n{body}}}\n"


# rule, file, its whole new text (None: it is removed)
BROKEN = [
    ("layer", "src/base/one.c", ONE + '#include "wire/two.h"\n'),
    ("layer", "src/wire/two.c", TWO + '#include "log/three.h"\n'),
    ("layer", "src/wire/two.c", TWO + '#include "two.h"\n'),
    ("layer", "src/wire/two.c", TWO + '#include "nowhere/two.h"\n'),
    ("door", "src/wire/two.c", TWO + "#include <liburing.h>\n"),
    ("door", "src/base/one.c", ONE + "#include <bearssl.h>\n"),
    ("door", "src/wire/two.c", TWO + '#include "hiredis/hiredis_shim.h"\n'),
    ("door", "src/wire/two.c", TWO + "#include <zlib.h>\n"),
    ("atomic", "src/wire/two.c", TWO + "#include <stdatomic.h>\n"),
    ("atomic", "src/wire/two.c", TWO + "static _Atomic int shared;\n"),
    ("atomic", "src/log/three.c", CLEAN["src/log/three.c"]
     + function("\tpthread_mutex_lock(&m);\n")),
    ("pure", "src/wire/two.c", TWO + function("\treturn malloc(1) != 0;\n")),
    ("pure", "src/wire/two.c", TWO + '#include "base/log_line.h"\n'),
    ("file", "src/base/one.c", ONE + "int x;\n" * 500),
    ("line", "src/base/one.c", ONE + "/* " + "x" * 98 + " */\n"),
    ("line", "src/base/one.c", ONE + "\t" * 11 + "/* 88 + 14 */ \n"),
    ("line", "tools/go", "#!/bin/sh\n# " + "x" * 99 + "\n"),
    ("function", "src/base/one.c", ONE + function("\ta();\n" * 68)),
    ("function", "src/base/one.c", ONE + "static int f(void) {\n\treturn 0;\n}\n"),
    ("parameters", "src/base/one.c",
     ONE + function("", "int a, int b, int c, int (*d)(int, int), int e, int f")),
    ("nesting", "src/base/one.c",
     ONE + function("\tif (a)\n\t\tfor (;;)\n\t\t\tif (b)\n\t\t\t\tif (c)\n\t\t\t\t\td();\n")),
    ("nesting", "src/base/one.c",
     ONE + function("\tx(\n\t\t1);\n\t{\n\t\t{\n\t\t\t{\n\t\t\t\t{\n\t\t\t\t\tx();\n")),
    ("banned", "src/base/one.c", ONE + function("\tstrcpy(a, b);\n")),
    ("banned", "src/base/one.c", ONE + function("\treturn atoi(a) + sprintf(b, c);\n")),
    ("banned", "src/base/one.c", ONE + function("\tassert(a);\n")),
    ("manual", "src/base/one.c", ONE.replace("base/one.c", "base/other.c")),
    ("manual", "src/base/one.h", CLEAN["src/base/one.h"].replace(" * Memory  none\n", "")),
    ("manual", "src/base/one.h", CLEAN["src/base/one.h"].replace("BELFRY_BASE", "BASE")),
    ("dead", "src/wire/lost.c", "/* wire/lost.c - a thing. */\n"),
    ("dead", "src/wire/meson.build", LIST.format("  'two.c',\n  'gone.c',")),
    ("dead", "tests/unit/base/lost_test.c", "/* tests/unit/base/lost_test.c - a thing. */\n"),
    ("dead", "src/base/two.h", header("base/two.h", "BELFRY_BASE_TWO_H", "struct two;\n")),
    ("alone", "src/base/one.h",
     header("base/one.h", "BELFRY_BASE_ONE_H", "size_t one_get(int a);\n")),
    ("words", "src/base/one.c", ONE + "/* TO" + "DO: later */\n"),
    ("words", "notes.txt", "FIX" + "ME\n"),
    ("words", "notes.txt", "XX" + "X\n"),
    ("words", "notes.txt", "this is not " + "implemented yet\n"),
    ("words", "notes.txt", "see /wo" + "rk/there\n"),
    ("test", "src/base/meson.build+src/base/new.c", "/* base/new.c - a thing. */\n"
     "\nint new_get(void)\n{\n\treturn 0;\n}\n"),
    ("document", "ARCHITECTURE.md", "The way in is `src/base/gone.c`.\n"),
    ("document", "ARCHITECTURE.md", "A line.\n" * 351),
]

# What looks like a finding and is none
HARMLESS = [
    ("src/base/one.c", ONE + "/* strcpy(a, b) in a comment, malloc too */\n"),
    ("src/base/one.c", ONE + function('\treturn b("strcpy(a, b)") + my_strcpy(c);\n')),
    ("src/base/one.c", ONE + "#define F(x) \\\n\tdo {\\\n\t\t\t\t\t\tx();\\\n\t} while (0)\n"),
    ("src/base/one.c",
     ONE + function("\tlong_name = call(first,\n\t\t\t\t\t\t\tsecond);\n"
                    "\tx = y +\n\t\t\t\t\t\tz;\n")),
    ("src/base/one.c", ONE + function("\tstrcpy(a, b); /* tidy: allow banned: to show how */\n")),
    ("src/base/one.c", ONE + "/* tidy: allow parameters: to show how */"
     + function("", "int a, int b, int c, int d, int e, int f")),
    ("src/base/one.c", ONE + function("\ta();\n" * 66)),
    ("src/base/one.c", ONE + function("\tswitch (a) {\n\tcase 1:\n\t\tif (b) {\n\t\t\tfor (;;) {\n"
                                      "\t\t\t\td(); /* level 3 */\n\t\t\t}\n\t\t}\n\t}\n")),
    ("notes.txt", "mkstemp takes " + "X" * 6 + ", a net" + "work/path is fine\n"),
]


def findings_with(path, text):
    """Names of the rules that are broken when `path` has `text`."""
    files = dict(CLEAN)
    if "+" in path:
        listing, path = path.split("+")
        files[listing] = LIST.format("  'one.c',\n  'new.c',")
    files[path] = text
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            full = os.path.join(root, name)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(content)
            os.chmod(full, 0o755)
        tree = Tree(root)
        return {finding.rule for rule in tidy.RULES for finding in tidy.findings_of(tree, rule)}


def main():
    passed = failed = 0
    cases = [("", "notes.txt", "clean\n")] + BROKEN + [("", *case) for case in HARMLESS]
    for number, (rule, path, text) in enumerate(cases):
        found = findings_with(path, text)
        if found == ({rule} if rule else set()):
            passed += 1
        else:
            failed += 1
            print(f"case {number}, {path}: expected {rule or 'nothing'}, found {sorted(found)}")
    print(f"tidy selftest: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
