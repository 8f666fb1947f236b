"""Who may include what: layers, one door per library, atomics, purity of the lower layers."""

import re

from tree import Finding

RANK = {"base": 0, "lane": 1, "wire": 1, "uring": 1, "log": 1,
        "acceptor": 2, "shard": 2, "router": 2, "admin": 2, "broker": 3, "main": 4}
OWN = set(RANK) | {"belfry", "wsbench"}

# library -> what its headers look like, who may include them
DOORS = {
    "liburing": (r"^liburing(\.h|/)", r"^(src/uring/|perf/|third_party/liburing/)"),
    "hiredis": (r"^(hiredis|read\.h|sds\.h|async\.h)", r"^(src/log/|perf/|third_party/hiredis/)"),
    "BearSSL": (r"^bearssl", r"^src/wire/(tls_session|digest|signature|pem_key)[._]"),
    "zlib": (r"^(zlib|zconf)\.h", r"^src/wire/deflate[._]"),
    "jemalloc": (r"^jemalloc", r"^third_party/jemalloc/"),
    "cmocka": (r"^cmocka", r"^tests/"),
}

ATOMICS_OK = re.compile(r"^(src/lane/|src/base/(counters|log_line)[._]|src/log/|perf/|tests/)")
ATOMICS = re.compile(r"\b(_Atomic|__atomic_\w+|__sync_\w+|atomic_\w+)\b")
NOUN_ATOMICS = re.compile(r"\b_Atomic\b")  # a noun may have the type; its verbs are in lane/
MUTEX = re.compile(r"\b(pthread_(mutex|rwlock|spin|cond)_\w+|mtx_\w+|sem_(wait|post|init))\s*\(")

SILENT = re.compile(r"^src/(base|wire|lane|uring)/")

# What a sans-I/O file has no business calling
IMPURE = re.compile(
    r"(?<![\w.>])(malloc|calloc|realloc|free|aligned_alloc|strdup|mmap|time|clock_gettime|"
    r"gettimeofday|read|write|send|recv|open|close|fopen|printf|fprintf|puts|getenv|"
    r"getrandom|syscall|socket)\s*\(")


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "src":
        return "main" if len(parts) == 2 else parts[1]
    if parts[0] == "perf" and path.endswith("_bench.c"):
        return "main"  # it measures one part of a thread and includes that, like a test
    return {"include": "belfry", "perf": "wsbench"}.get(parts[0], parts[0])


def why_not(layer, target):
    """The reason why `layer` may not include `target`, or None."""
    if target in (layer, "belfry"):
        return None
    if layer == "belfry":
        return None if target == "base" else "include/belfry may include base, libc and itself"
    if target == "wsbench":
        return "nothing in src/ may include perf/"
    own = RANK["acceptor"] if layer == "wsbench" else RANK.get(layer)
    if own is None:
        return f"unknown layer {layer}"
    return None if RANK[target] < own else f"{layer} may not include {target}"


def check_layers(tree):
    for path in tree.c_files():
        if not path.startswith(("src/", "include/", "perf/")):
            continue
        for line, kind, name in tree.includes(path):
            target = name.split("/")[0]
            if "/" not in name and kind == '"':
                yield Finding("layer", path, line, f'write "{name}" from src/, with its folder')
            elif target in OWN and "/" in name and kind == '"':
                reason = why_not(layer_of(path), target)
                if reason:
                    yield Finding("layer", path, line, reason)
            elif path.startswith("perf/") and name.startswith("../tests/"):
                continue  # vectors that a test and a benchmark share
            elif kind == '"' and not any(re.match(door, name) for door, _ in DOORS.values()):
                if not name.endswith(".inc"):
                    yield Finding("layer", path, line, f'"{name}" is in no layer')


def check_doors(tree):
    for path in tree.c_files():
        for line, _, name in tree.includes(path):
            for library, (header, doors) in DOORS.items():
                if re.match(header, name) and not re.match(doors, path) \
                        and not path.startswith("tests/"):
                    yield Finding("door", path, line, f"{library} has one door, not this file")


def check_atomics(tree):
    for path in tree.c_files():
        yield from check_mutexes(tree, path)
        if ATOMICS_OK.match(path):
            continue
        for line, _, name in tree.includes(path):
            if name == "stdatomic.h":
                yield Finding("atomic", path, line, "<stdatomic.h>: use lane/ or base/counters")
        for line, text in enumerate(tree.plain(path), 1):
            if path.startswith("include/belfry/"):
                text = NOUN_ATOMICS.sub("", text)
            if ATOMICS.search(text):
                yield Finding("atomic", path, line, "atomics live in lane/ and base/counters")


def check_mutexes(tree, path):
    if path.startswith("src/"):
        for line, text in enumerate(tree.plain(path), 1):
            if MUTEX.search(text):
                yield Finding("atomic", path, line, "no lock on a message's way: use a lane")


def check_purity(tree):
    for path in tree.c_files():
        if path.startswith("src/wire/"):
            for line, text in enumerate(tree.plain(path), 1):
                match = IMPURE.search(text)
                if match:
                    yield Finding("pure", path, line,
                                  f"{match.group(1)}(): wire/ has no allocation, clock or I/O")
        if SILENT.match(path) and not path.startswith("src/base/log_line"):
            for line, _, name in tree.includes(path):
                if name == "base/log_line.h":
                    yield Finding("pure", path, line, "lower layers never log: return a status")


RULES = [check_layers, check_doors, check_atomics, check_purity]
