"""Pages of documentation as the tests see them: fenced blocks by language, and the commands in all of them.

A block's info string says what is done with it:
    ```sh          run, in the order of the page
    ```console     each line after "$ " is run; what follows it is what is printed (… stands for anything)
    ```yaml FILE   written to that file
    ```… norun     not run; its commands are checked as those of every other block"""

import pathlib
import re
import shlex

from harness import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")), *ROOT.glob("manifests/**/README.md")]
PROGRAMS = ("kubelambda", "kubectl", "make")


class Block:
    def __init__(self, page, line, info, text):
        words = info.split()
        self.page, self.line, self.text = page, line, text
        self.language = words[0] if words else ""
        self.argument = words[1] if len(words) > 1 else ""
        self.place = f"{pathlib.Path(page).name}:{line}"

    def __repr__(self):
        return self.place


def blocks(page):
    """The fenced ones, and those that are indented by four blanks after an empty line."""
    found, fence, indented, before = [], None, None, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        opening = re.match(r"```(.*)", line)
        if opening and fence is None:
            fence = Block(page, number, opening[1], "")
        elif opening:
            found.append(fence)
            fence = None
        elif fence:
            fence.text += line + "\n"
        elif line.startswith("    ") and (indented or not before):
            indented = indented or Block(page, number, "text norun", "")
            indented.text += line.strip() + "\n"
        else:
            found += [indented] if indented else []
            indented = None
        before = line
    return found


def commands(block):
    """The words of each command of ours, of kubectl and of make, wherever in a line it is."""
    lines = block.text.replace("\\\n", " ").splitlines()
    typed = [one for one in lines if one.startswith("$ ")]
    for line in typed or lines:
        line = re.sub(r"^\$ ", "", re.sub(r"(\s|^)#.*", "", line)).strip()
        for one in re.split(r"\s*(?:\|\||\||&&|;|>|<\()\s*", line):
            one = re.sub(r"^(?:- )?(?:run: |entry: |build/|[A-Z_]+=\S+ )*", "", one)
            if one.split(" ")[0] in PROGRAMS:
                yield shlex.split(one.rstrip(")").replace("…", ""), posix=True)


def sessions(block):
    """(command, what it prints) of a console block."""
    command, printed = None, ""
    for line in [*block.text.splitlines(), "$ "]:
        if line.startswith("$ "):
            if command:
                yield command, printed
            command, printed = line[2:], ""
        else:
            printed += line + "\n"


def as_pattern(printed):
    """Blanks may be more or fewer; … is anything in a line, and a line of its own any lines."""
    lines = []
    for line in printed.splitlines():
        escaped = r"[^\n]*".join(re.escape(" ".join(part.split())) for part in re.split(r"\s*…\s*", line))
        lines.append(r"(?:[^\n]*\n)*?" if line == "…" else rf" *{escaped} *\n".replace(r"\ ", " +"))
    return "".join(lines)
