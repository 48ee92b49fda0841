"""docs/admission.md against the tables, the sources and the tests: nothing in it is made up, nothing is missing.
And docs/faults.md against the tests."""

import re
import subprocess

import pytest
from harness import ROOT

PAGE = (ROOT / "docs/admission.md").read_text(encoding="utf-8")
# Where findings are made: by the list of them, or as the message of a rule.
MAKES = re.compile(r"(?m)^ +(findings_add|found)\(|^enum rule_result \w+\(")
SOURCES = [
    str(path.relative_to(ROOT))
    for folder in ("common/function", "webhook")
    for path in sorted((ROOT / folder).glob("*.c"))
    if MAKES.search(path.read_text(encoding="utf-8"))
]
ROWS = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
FORMAT = re.compile(r"%(?:\.\d+|\.\*)?(?:ll|z)?[sdXu]|%04X")
SHORTEST = 15  # characters of a piece of a message that says something


def literals(path):
    """The string literals of a C file, those next to each other as one."""
    text = (ROOT / path).read_text(encoding="utf-8")
    text = re.sub(r"(?s)/\*.*?\*/", "", text)
    joined = re.sub(r'(?<!\\)"\s*\n\s*"', "", text)
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined)
    return [one.replace('\\"', '"').replace("\\\\", "\\") for one in found]


def pieces(text, separator):
    found = [piece.strip(" :;,") for piece in separator.split(text)]
    return [piece for piece in found if len(piece) >= SHORTEST]


def named_tests(page):
    """(file, test) of everything that the page names."""
    return re.findall(r"`(test_\w+\.(?:py|c)): (\w+)`", page)


def test_every_rule_of_the_tables_is_on_the_page_with_its_fields():
    made = subprocess.run([ROOT / "build/generate", "rules"], capture_output=True, text=True, check=True)
    rules = [line.split(" ", 2) for line in made.stdout.splitlines()]
    assert len(rules) > 30
    rows = [[cell.strip() for cell in row[:2]] for row in ROWS]
    assert [(name, fields) for _, name, fields in rules if [f"`{name}`", fields] not in rows] == []


@pytest.mark.parametrize("path", SOURCES)
def test_every_message_of_the_sources_is_on_the_page(path):
    said = [one for one in literals(path) if " " in one and not one.startswith(("arn:", "common/"))]
    missing = [piece for one in said for piece in pieces(one, FORMAT) if piece not in PAGE]
    assert missing == [], f"{path} says what docs/admission.md does not have"


def test_every_message_of_the_page_is_in_the_sources():
    known = "\n".join(one for path in SOURCES for one in literals(path))
    told = [text for row in ROWS for cell in row[1:] for text in re.findall(r"`([^`]*)`", cell)]
    messages = [text for text in told if " " in text and not re.match(r"test_\w+\.(py|c): ", text)]
    assert len(messages) > 60
    gap = re.compile("…")
    assert [piece for one in messages for piece in pieces(one, gap) if piece not in known] == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_test_that_a_page_names_exists(path):
    folders = {".py": ("tests/e2e", "tests/property"), ".c": ("tests/unit",)}
    missing = []
    for name, test in named_tests(path.read_text(encoding="utf-8")):
        found = [ROOT / folder / name for folder in folders[name[name.rindex(".") :]] if (ROOT / folder / name).exists()]
        defined = rf"(?m)^(def|static void) {test}\("
        if not found or not re.search(defined, found[0].read_text(encoding="utf-8")):
            missing.append(f"{name}: {test}")
    assert missing == []


def test_every_row_has_a_test():
    """Rows of rules are proved by the test that walks their table."""
    tables = ("test_check.c: every_rule_is_kept_and_broken", "test_policy.c: each_rule_is_kept_and_broken")
    assert all(one in PAGE for one in tables)
    proved = re.compile(r"`test_\w+\.(py|c): \w+`|^`[\w.-]+`$")
    assert [row for row in ROWS if not any(proved.search(cell.strip()) for cell in row) and row[0].strip() not in ("what", "rule", "member", "answer", "operation")] == []


def test_every_fault_names_a_test():
    page = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    rows = [line for line in re.findall(r"(?m)^\| .*$", page) if not line.endswith("| test |")]
    assert len(rows) > 30 and [row for row in rows if not named_tests(row)] == []
