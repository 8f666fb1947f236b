"""The shape of C text: lengths, nesting, parameters, banned calls, the manual in each header."""

import re
import statistics

from tree import Finding

LINE_MAX, FILE_MAX, FUNCTION_MAX, PARAMETERS_MAX, TABS_MAX = 100, 500, 70, 5, 4

BANNED = {
    "strcpy": "writer_text() or memcpy() with a checked size",
    "strncpy": "writer_text() or memcpy() with a checked size",
    "strcat": "writer_text()", "strncat": "writer_text()",
    "sprintf": "snprintf()", "vsprintf": "vsnprintf()",
    "strtok": "slice_cut()", "strtok_r": "slice_cut()",
    "gets": "fgets()",
    "atoi": "slice_to_u64()", "atol": "slice_to_u64()", "atoll": "slice_to_u64()",
    "atof": "strtod() with an end pointer",
    "alloca": "memory of a fixed size",
    "rand": "base/random.h", "srand": "base/random.h", "random": "base/random.h",
    "drand48": "base/random.h",
    "assert": "ASSERT() of base/assert.h: it stays on in release builds",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
CONTROL = re.compile(r"^(\}\s*)?(if|for|while|switch|else|do)\b")
LATE_BRACE = re.compile(r"^[A-Za-z_][\w\s*]*\([^=]*\)\s*\{")
LABEL = re.compile(r"^(case\b.*|default|\w+)\s*:$")
MANUAL_WORDS = ("Layer", "Threads", "Memory", "Errors")


def check_lines(tree):
    for path in tree.matching(".c", ".h", ".py", ".build") + scripts(tree):
        lines = tree.raw[path].split("\n")
        if len(lines) - 1 > FILE_MAX:
            yield Finding("file", path, 0, f"{len(lines) - 1} lines, at most {FILE_MAX}")
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > LINE_MAX:
                yield Finding("line", path, number,
                              f"{len(line.expandtabs(8))} columns, at most {LINE_MAX}")


def scripts(tree):
    return [path for path, text in tree.raw.items()
            if text.startswith("#!") and "." not in path.rsplit("/", 1)[-1]]


def check_functions(tree):
    for path in tree.c_files():
        for function in tree.functions(path):
            if function.size > FUNCTION_MAX:
                yield Finding("function", path, function.line,
                              f"{function.name}() has {function.size} lines, "
                              f"at most {FUNCTION_MAX}")
            if function.parameters > PARAMETERS_MAX:
                yield Finding("parameters", path, function.line,
                              f"{function.name}() takes {function.parameters}, "
                              f"at most {PARAMETERS_MAX}")
        for number, line in enumerate(tree.plain(path), 1):
            if LATE_BRACE.match(line) and not line.startswith(("do", "else", "struct {")):
                yield Finding("function", path, number,
                              "the opening brace of a function stands alone on its line")


def check_nesting(tree):
    """Each statement by its tabs; what continues a statement is not counted."""
    for path in tree.c_files():
        statement, depth = "", 0
        for number, line in enumerate(tree.plain(path), 1):
            text = line.strip()
            if not text:
                continue
            starts = depth == 0 and (not statement or CONTROL.match(statement))
            tabs = len(line) - len(line.lstrip("\t"))
            if starts and tabs > TABS_MAX:
                yield Finding("nesting", path, number,
                              f"{tabs - 1} levels deep, at most {TABS_MAX - 1}")
            statement = text if starts else statement + " " + text
            depth += text.count("(") - text.count(")")
            if depth == 0 and (text[-1] in ";{}" or LABEL.match(text)):
                statement = ""


def check_banned(tree):
    for path in tree.c_files():
        for number, line in enumerate(tree.plain(path), 1):
            for name in BANNED_CALL.findall(line):
                yield Finding("banned", path, number, f"{name}(): use {BANNED[name]}")
        for number, _, name in tree.includes(path):
            if name in ("assert.h", "alloca.h"):
                yield Finding("banned", path, number, f"<{name}>: see base/assert.h, or no need")


def own_name(path):
    """How a file calls itself: from the folder that includes are written from."""
    return re.sub(r"^(src|include|perf|third_party)/", "", path)


def guard_of(path):
    name = own_name(path)
    if path.startswith("include/belfry/"):
        name = path[len("include/belfry/"):]
    return "BELFRY_" + re.sub(r"\W", "_", name).upper()


def check_manual(tree):
    for path in tree.c_files():
        text = tree.raw[path]
        match = re.match(r"/\* (\S+) - \S", text)
        if not match or match.group(1) not in (path, own_name(path)):
            yield Finding("manual", path, 1, f'starts with "/* {own_name(path)} - what it is"')
        if not path.endswith(".h"):
            continue
        comment = text[:text.find("*/")]
        if not path.startswith("tests/"):
            for word in MANUAL_WORDS:
                if not re.search(rf"^ \* {word}\s+\S", comment, re.MULTILINE):
                    yield Finding("manual", path, 1, f'its first comment has no line "{word}"')
        guard = guard_of(path)
        if not re.search(rf"^#ifndef {guard}\n#define {guard}\n", text, re.MULTILINE):
            yield Finding("manual", path, 1, f"is guarded by {guard}")


def summary(tree):
    sizes = [(function.size, function.name, path) for path in tree.c_files()
             if path.startswith(("src/", "include/")) for function in tree.functions(path)]
    if not sizes:
        return "no functions"
    size, name, path = max(sizes)
    return (f"{len(sizes)} functions in src/ and include/, median "
            f"{statistics.median(one[0] for one in sizes):g} lines, "
            f"longest {size} ({name} in {path})")


RULES = [check_lines, check_functions, check_nesting, check_banned, check_manual]
