"""The repository as tidy sees it: files, C text without comments, functions, findings."""

import collections
import functools
import os
import re
import subprocess

Finding = collections.namedtuple("Finding", "rule path line text")
Function = collections.namedtuple("Function", "name path line size parameters is_static")

ALLOW = re.compile(r"tidy: allow (\w+): \S")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}
COMMENT_OR_STRING = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.MULTILINE)


def blank(match):
    """The same text as spaces: lines and columns stay where they are."""
    return re.sub(r"[^\n]", " ", match.group())


def blank_inside(match):
    text = match.group()
    return text[0] + blank(re.match(r"(?s).*", text[1:-1])) + text[-1] \
        if text[0] in "\"'" else blank(match)


def listed_by_git(root):
    command = ["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0 or not os.path.exists(os.path.join(root, ".git")):
        return None
    return [name for name in done.stdout.decode().split("\0") if name]


def listed_by_walk(root):
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders
                      if name not in SKIPPED_FOLDERS and not name.startswith("build-")]
        names += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return names


class Tree:
    """Files by their path from the root, in order; only those that can be read as text."""

    def __init__(self, root):
        self.root = root
        names = listed_by_git(root)
        self.raw = {}
        for name in sorted(listed_by_walk(root) if names is None else names):
            text = self.read(name)
            if text is not None:
                self.raw[name] = text

    def read(self, name):
        path = os.path.join(self.root, name)
        if os.path.islink(path) or not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            content = file.read()
        try:
            return None if b"\0" in content else content.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def matching(self, *suffixes, under=""):
        return [name for name in self.raw if name.endswith(suffixes) and name.startswith(under)]

    def c_files(self):
        return self.matching(".c", ".h")

    @functools.lru_cache(maxsize=None)
    def code(self, name):
        """C text with comments and the insides of strings blanked."""
        return COMMENT_OR_STRING.sub(blank_inside, self.raw[name])

    @functools.lru_cache(maxsize=None)
    def plain(self, name):
        """Lines of code() with preprocessor lines emptied as well."""
        lines, inside = [], False
        for line in self.code(name).split("\n"):
            inside = inside or line.lstrip().startswith("#")
            lines.append("" if inside else line)
            inside = inside and line.endswith("\\")
        return lines

    def includes(self, name):
        """(line, '"' or '<', path) of each include."""
        text = self.raw[name]
        return [(text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2))
                for match in INCLUDE.finditer(text)]

    @functools.lru_cache(maxsize=None)
    def functions(self, name):
        lines, found, start = self.plain(name), [], None
        for index, line in enumerate(lines):
            if line.rstrip() == "{":
                start = index
            elif line.startswith("}") and start is not None:
                found.append(self.function(name, start, index))
                start = None
        return [function for function in found if function]

    def function(self, name, brace, end):
        lines, first = self.plain(name), brace
        while first > 0 and re.match(r"\s*[^\s;}]", lines[first - 1]) \
                and not lines[first - 1].rstrip().endswith((";", "}")):
            first -= 1
        signature = " ".join(lines[first:brace])
        group = last_group(signature)
        if group is None:
            return None
        before, inside = group
        words = re.findall(r"\w+", before)
        return Function(words[-1] if words else "?", name, first + 1, end - first + 1,
                        count_parameters(inside), "static" in words)

    def is_allowed(self, finding):
        """A comment `tidy: allow <rule>: <why>` on the line or the one above it, or, for what
        concerns a whole file (line 0), anywhere in it."""
        lines = self.raw.get(finding.path, "").split("\n")
        near = lines[max(0, finding.line - 2):finding.line] if finding.line else lines
        return any(finding.rule in ALLOW.findall(line) for line in near)


def last_group(signature):
    """(text before, text inside) of the last pair of parentheses that is not inside another."""
    depth, opened, group = 0, 0, None
    for index, letter in enumerate(signature):
        if letter == "(":
            if depth == 0:
                opened = index
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                group = (signature[:opened], signature[opened + 1:index])
    return group


def count_parameters(inside):
    depth, commas = 0, 0
    for letter in inside:
        depth += (letter in "([") - (letter in ")]")
        commas += letter == "," and depth == 0
    return 0 if inside.strip() in ("", "void") else commas + 1
