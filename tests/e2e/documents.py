"""Pages of documentation as the tests see them: fenced blocks by language, and the commands in all of them.

A block's info string says what is done with it:
    ```sh            run, in the order of the page; "# …; exit 2 …" beside a command says that it may end so
    ```console       each line after "$ " is run; what follows it is what is printed (… stands for anything)
    ```yaml FILE     written to that file
    ```… norun WHY   not run, for one of the reasons below; its commands are checked as those of every other block"""

import pathlib
import re
import shlex

from harness import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")), *ROOT.glob("manifests/**/README.md")]
PROGRAMS = ("kubelambda", "kubectl", "make")
NOT_RUN = {
    "make": "targets of the repository are what runs this, or are run by other tests and by pipelines",
    "registry": "it takes a registry of images",
    "nodes": "it takes nodes that run pods",
    "tools": "it takes other tools and their resources",
    "beside": "one kubelambda runs here already",
}


class Block:
    def __init__(self, page, line, info, text):
        words = info.split()
        self.page, self.line, self.text = page, line, text
        self.language = words[0] if words else ""
        self.argument, self.why = (words[1:] + ["", ""])[:2]
        self.place = f"{pathlib.Path(page).name}:{line}"

    def __repr__(self):
        return self.place

    def is_run(self):
        return self.language in ("sh", "console") and self.argument != "norun"


def blocks(page):
    """The fenced ones, and those that are indented by four blanks after an empty line."""
    found, fence, indented, before = [], None, None, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        opening = re.match(r"( {0,3})```(.*)", line)
        if opening and fence is None:
            fence, margin = Block(page, number, opening[2], ""), opening[1]
        elif opening:
            found.append(fence)
            fence = None
        elif fence:
            fence.text += line.removeprefix(margin) + "\n"
        elif line.startswith("    ") and (indented or not before):
            indented = indented or Block(page, number, "text", "")
            indented.text += line.strip() + "\n"
        else:
            found += [indented] if indented else []
            indented = None
        before = line
    return found


def words_of(commands):
    """The words of each command of ours, of kubectl and of make, wherever in a line it is."""
    for line in commands.replace("\\\n", " ").splitlines():
        line = re.sub(r"(\s|^)#.*", "", line).strip()
        for one in re.split(r"\s*(?:\|\||\||&&|;|>|<\()\s*", line):
            one = re.sub(r"^(?:- )?(?:run: |entry: |build/|[A-Z_]+=\S+ )*", "", one)
            if one.split(" ")[0] in PROGRAMS:
                yield shlex.split(one.rstrip(")").replace("…", ""), posix=True)


def typed(block):
    """What somebody types, without what is printed."""
    lines = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
    return "\n".join(lines) if lines else block.text


def commands(block):
    return list(words_of(typed(block)))


def commands_within(page):
    """Those in the sentences, as `kubectl get pods`; what has gaps or semicolons is a message."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for one in re.findall(r"`([^`]+)`", text):
        if not re.search(r"…|;", one):
            yield from words_of(" ".join(one.split()))


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


def as_script(block):
    """Where a comment says that a command may end with another status, that does not end the script."""
    return re.sub(r"^(.*\S)(\s+#.*\bexit (\d)\b.*)$", r"\1 || [ $? -eq \3 ]\2", block.text, flags=re.M)


def as_pattern(printed):
    """Blanks and line ends may be more or fewer, times and durations others; … is anything in a line, and a line of its
    own any lines."""
    pattern = r"\s*"
    for line in printed.splitlines():
        parts = [r"\s+".join(map(re.escape, part.split())) for part in re.split(r"\s*…\s*", line)]
        line = r"(?:[^\n]*\n)*?" if line.strip() == "…" else r"[^\n]*".join(parts)
        line = re.sub(r"\b\d+s\b", r"\\d+s", line)
        pattern += re.sub(r"\d{4}\\-\d\d\\-\d\dT[\d:]+Z", r"[-0-9T:]+Z", line) + r"\s*"
    return pattern
