#!/usr/bin/env python3
"""Checks what a compiler does not: layers, lengths, bans, dead files, words, tests, documents.

tidy.py [ROOT]

Prints one line per finding, then one per rule and a last line "tidy: N passed, N failed".
A rule may be broken on one line by a comment on it or above it that says why:
/* tidy: allow <rule>: <why> */
"""

import os
import sys

import rules_files
import rules_includes
import rules_shape
from tree import Tree

RULES = rules_includes.RULES + rules_shape.RULES + rules_files.RULES


def findings_of(tree, rule):
    return [finding for finding in rule(tree) if not tree.is_allowed(finding)]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.dirname(
        os.path.dirname(here))
    tree, lines, failed = Tree(root), [], 0
    for rule in RULES:
        findings = findings_of(tree, rule)
        for finding in findings:
            print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.text}")
        name = rule.__name__.replace("check_", "")
        lines.append(f"{'FAILED' if findings else 'ok':<7}{name}"
                     + (f" ({len(findings)})" if findings else ""))
        failed += bool(findings)
    print("\n".join(lines))
    print(rules_shape.summary(tree))
    print(f"tidy: {len(RULES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
