"""What holds for every review, over generated resources, judged by the review itself under sanitizers."""

import base64
import copy
import json
import random
import re
import subprocess

import pytest
from aws_model import refusal
from harness import ROOT
from resources import ROWS, SECRET, broken, facts, function_spec, mangled, manifest, nearly, review, tree

DRIVER = ROOT / "build/test-tools/review_driver"
AT_ONCE = 1000
WARNING_MOST = 120


def ask(questions):
    """Answers of the driver to (phase, body or review, facts, plans wanted?)."""
    stdin, bodies = bytearray(), []
    for phase, body, known, plans in questions:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        bodies.append(body)
        head = {"phase": phase, "bytes": len(body), "facts": known, "plans": plans}
        stdin += json.dumps(head).encode() + b"\n" + body
    run = subprocess.run([DRIVER], input=bytes(stdin), capture_output=True, timeout=300, check=False)
    lines = run.stdout.splitlines()
    assert run.returncode == 0 and len(lines) == len(bodies), (
        f"the review ended with {run.returncode} at {bodies[min(len(lines), len(bodies) - 1)]!r}:\n"
        f"{run.stderr.decode(errors='replace')[-4000:]}"
    )
    return [json.loads(line) for line in lines]


def well_formed(answer):
    """The response of the review, or None where the body was refused with 400."""
    if answer["status"] == 400:
        assert 10 < len(answer["error"]) < 500
        return None
    whole = answer["response"]
    assert (whole["apiVersion"], whole["kind"], set(whole)) == ("admission.k8s.io/v1", "AdmissionReview", {"apiVersion", "kind", "response"})
    response = whole["response"]
    assert isinstance(response["uid"], str) and isinstance(response["allowed"], bool)
    assert ("patch" in response) == ("patchType" in response)
    assert response["allowed"] or "patch" not in response
    for warning in response.get("warnings", []):
        assert 0 < len(warning.encode()) <= WARNING_MOST and "\n" not in warning
    assert ("status" in response) == (not response["allowed"])
    if not response["allowed"]:
        status = response["status"]
        assert (status["code"], status["reason"]) in ((422, "Invalid"), (403, "Forbidden"), (503, "ServiceUnavailable"))
        assert status["message"]
        for cause in status.get("details", {}).get("causes", []):
            assert cause["reason"].startswith("FieldValue") and cause["field"] and cause["message"]
            assert not any(ord(one) < 32 for one in cause["message"].replace("\n", "")), cause
    return response


def patch_of(response):
    return json.loads(base64.b64decode(response["patch"])) if "patch" in response else []


def apply_patch(document, operations):
    """JSON Patch, as far as it is used: add a member below an object that is there, replace one that is there."""
    document = copy.deepcopy(document)
    for one in operations:
        assert set(one) == {"op", "path", "value"} and one["path"].startswith("/"), one
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in one["path"][1:].split("/")]
        at = document
        for name in parents:
            at = at[name]
        assert isinstance(at, dict), f"{one} adds to what is no object"
        assert (one["op"], last in at) in (("add", False), ("add", True), ("replace", True)), one
        assert one["op"] == "replace" or at.get(last) is None, f"{one} changes what is there"
        at[last] = copy.deepcopy(one["value"])
    return document


def keeps(before, after, prepended=False):
    """Is all that was written still there? What was null counts as absent."""
    if isinstance(before, dict) and isinstance(after, dict):
        return list(before) == [key for key in after if key in before] and all(
            one is None
            or keeps(one, after[key], prepended)
            or (prepended and key == "functionName" and str(after[key]).endswith(one))
            for key, one in before.items()
        )
    return type(before) is type(after) and before == after


def prepends(known):
    return any(one["spec"].get("functionName", {}).get("whenMissing") == "Prepend" for one in known["policies"])


class Case:
    def __init__(self, dice):
        self.facts = facts(dice)
        spec, self.wrong = function_spec(dice, dice.choice((0, 0, 0, 1, 1, 2)))
        self.resource = manifest(dice, spec)
        self.old = None
        if dice.random() < 0.15:
            old = copy.deepcopy(self.resource)
            old["spec"].setdefault("functionName", "app")
            old["spec"].setdefault("region", "us-east-1")
            for path in dice.sample(list(old["spec"]), 1):
                old["spec"][path] = nearly(dice, old["spec"][path])
            self.old = old

    def question(self, phase, plans=False):
        return phase, review(self.resource, self.old), self.facts, plans


def paths_of(spec):
    """The rows of the table that have a value in the spec."""
    for path in ROWS:
        value = spec
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            yield path


# Paths -> how often a resource with them was accepted, and refused for a mistake there.
accepted, refused = dict.fromkeys(ROWS, 0), dict.fromkeys(ROWS, 0)


@pytest.fixture(scope="module")
def batches(request, seed):
    """Resources as they come out of the mutating phase, in lists; generated as they are used."""
    count, dice = request.config.getoption("resources"), random.Random(seed)
    return lambda: ([Case(dice) for _ in range(min(AT_ONCE, count - start))] for start in range(0, count, AT_ONCE))


def disagreements(batches):
    """Goes through all phases; yields what is not as it must be."""
    for cases in batches():
        passed = []
        for case, answer in zip(cases, ask(case.question("mutate") for case in cases), strict=True):
            response = well_formed(answer)
            assert response is not None
            for path in case.wrong:
                refused[path] += not response["allowed"]
            if not response["allowed"]:
                continue
            written, case.resource = case.resource, apply_patch(case.resource, patch_of(response))
            if not keeps(written, case.resource, prepends(case.facts)):
                yield "changes what was written", written, case.resource
            passed.append(case)
        for case, answer in zip(passed, ask(case.question("mutate") for case in passed), strict=True):
            response = well_formed(answer)
            again = patch_of(response)
            if again or not response["allowed"]:
                yield "is not the same when mutated twice", case.resource, again or response
        for case, answer in zip(passed, ask(case.question("validate", True) for case in passed), strict=True):
            response = well_formed(answer)
            assert "patch" not in response
            if not response["allowed"] or case.old:
                continue
            spec = case.resource["spec"]
            for path in paths_of(spec):
                accepted[path] += 1
            reason = refusal(answer["plans"], spec["region"])
            if reason:
                yield f"is accepted although AWS says: {reason}", spec, answer["plans"]


def shortened(value):
    return re.sub(r"(.)\1{20,}", r"\1\1\1…", str(value))[:1500]


def test_reviews_of_generated_resources_keep_their_promises(batches, seed):
    """Mutating twice is mutating once; every patch applies; nothing that was written is changed, but for a name
    under a policy that says so; what is accepted, AWS takes."""
    found = {}
    for what, *shown in disagreements(batches):
        found.setdefault(what[:100], (what, *shown))
        if len(found) >= 20:
            break
    text = "\n\n".join("\n  ".join(shortened(one) for one in shown) for shown in found.values())
    assert not found, f"with --seed {seed}, a resource …\n{text}"


def test_every_field_was_accepted_and_refused(request, batches, seed):
    """What the generated resources cover, after the test above."""
    if request.config.getoption("resources") < 10000:
        pytest.skip("too few resources to cover every field")
    assert [path for path, count in accepted.items() if count == 0] == [], f"--seed {seed}"
    assert [path for path, count in refused.items() if count == 0] == [], f"--seed {seed}"


def rubbish(dice, count):
    """(phase, body, facts)"""
    for _ in range(count):
        case = Case(dice)
        real = review(case.resource, case.old)
        if dice.random() < 0.2:
            policy = {"apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": "p"}}
            spec = case.facts["policies"][0]["spec"] if case.facts["policies"] else {"defaults": case.resource["spec"]}
            real = review(policy | {"spec": spec}, dice.choice((None, policy | {"spec": tree(dice)})))
        if dice.random() < 0.1:
            real = review(None, case.resource, dice.choice(("DELETE", "CONNECT", "UPDATE")))
        match dice.randrange(5):
            case 0 | 1:
                body = mangled(dice, real)
            case 2 | 3:
                body = broken(dice, json.dumps(real, ensure_ascii=dice.random() < 0.5).encode())
            case 4:
                body = dice.choice((lambda: tree(dice), lambda: dice.randbytes(dice.randrange(64)), lambda: review(tree(dice), tree(dice))))()
        if dice.random() < 0.1:
            case.facts["policies"] = [{"name": "p", "spec": tree(dice)}, {"name": "q", "spec": mangled(dice, {"spec": case.facts})}]
        if dice.random() < 0.1:
            case.facts |= {"unreachable": "connection refused", "holder": "other/app"}
        yield dice.choice(("mutate", "validate")), body, case.facts, True


def test_no_bytes_whatsoever_break_a_review(request, seed):
    """A well-formed answer or HTTP 400, and no value of an environment variable in what it says."""
    dice = random.Random(seed)
    for _ in range(request.config.getoption("resources") // 4 // AT_ONCE or 1):
        questions = list(rubbish(dice, AT_ONCE))
        for question, answer in zip(questions, ask(questions), strict=True):
            response = well_formed(answer)
            said = json.dumps([answer.get("error"), (response or {}).get("status"), (response or {}).get("warnings")])
            assert SECRET not in said, f"with --seed {seed}: {question!r} is answered with {said}"
