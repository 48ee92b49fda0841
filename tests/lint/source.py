"""What the checks of this folder share: the C files of a tree and their code without comments."""

import os
import re
import sys

FOLDERS = ("common", "certs", "webhook", "controller", "cli", "manifests", "tests")

# A comment, a string or a character, whichever begins first.
_NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def root_of_arguments():
    """The tree to check: the argument, else the one that this file is in."""
    if len(sys.argv) > 2 or any(argument.startswith("-") for argument in sys.argv[1:]):
        sys.exit(f"usage: {sys.argv[0]} [ROOT]")
    if len(sys.argv) == 2:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def sources(root):
    """Pairs of path (from the root) and text, of every .c and .h."""
    for top in FOLDERS:
        for folder, folders, files in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, root), file.read()


def without_comments(text):
    return _NOT_CODE.sub(lambda found: _blank(found[0]) if found[0][0] == "/" else found[0], text)


def code_only(text):
    """The text with comments, strings and characters blanked; lines keep their numbers."""
    return _NOT_CODE.sub(lambda found: _blank(found[0]), text)


def includes(text):
    """Line number, and what is included with its quotes or brackets."""
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        found = re.match(r'\s*#\s*include\s*("[^"]+"|<[^>]+>)', line)
        if found:
            yield number, found[1]


def finish(offences):
    for offence in offences:
        print(offence)
    sys.exit(1 if offences else 0)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)
