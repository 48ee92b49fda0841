"""What kubectl prints, to the letter, from the real API server: golden/*.txt. `--update-golden` writes them anew."""

import json
import pathlib
import re
import time

import pytest
from harness import Serve, function, settled
from test_policy import policy
from test_references import DEVELOPER, from_secret, grant, rule

GOLDEN = pathlib.Path(__file__).parent / "golden"
HERE, THERE, GOVERNED = "golden", "golden-other", "golden-governed"


@pytest.fixture(scope="module", autouse=True)
def serve(cluster, aws, tmp_path_factory):
    """With namespaces of fixed names, a function that is in force, a policy, and a developer."""
    aws.upload("app/2.zip", "print('two')\n")
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("serve"))
    for name in (HERE, THERE, GOVERNED):
        cluster.namespace(name, "preview")
    cluster.apply(function("in-force", HERE))
    settled(cluster, "in-force", HERE)
    cluster.apply(
        policy(
            "golden",
            GOVERNED,
            functionName={"prefix": "team-"},
            allow={"runtimes": ["python3.*"], "memorySize": {"max": 1024}},
            require={"tags": ["cost-centre"]},
        )
    )
    time.sleep(1)
    cluster.apply(function("protected", GOVERNED, tags={"cost-centre": "1"}))
    cluster.apply(policy("golden-protection", GOVERNED, deletionProtection=True))
    grant(cluster, HERE, DEVELOPER, "functions", rule("kubelambda.io", "lambdafunctions", "get", "create", "update", "patch"))
    time.sleep(1)
    yield one
    cluster.run("delete", "lambdapolicies", "golden", "golden-protection")
    time.sleep(1)
    for name in (HERE, GOVERNED):
        cluster.run("delete", "lambdafunctions", "--all", "--timeout=20s", "-n", name)
    assert one.stop() == 0


DRY = ["--dry-run=server"]
GENERATED = {**function("", HERE), "metadata": {"generateName": "new-", "namespace": HERE}}
WRONG = {"runtime": "node24", "memorySize": 64, "handler": None, "tags": {"aws:x": "1"}, "layers": ["x"]}

# Name of the file -> what is applied, with which flags, as whom, by which command.
CASES = {
    "one-finding": (function("new", HERE, runtime="node24"),),
    "several-findings": (function("new", HERE, **WRONG),),
    "missing-field": (function("new", HERE, role=None),),
    "no-spec": ({**function("new", HERE), "spec": None},),
    "wrong-type": (function("new", HERE, timeout="60"),),
    "unknown-field": (function("new", HERE, memory=256),),
    "blocked-runtime": (function("new", HERE, runtime="python2.7"),),
    "missing-object": (function("new", HERE, code={"s3Bucket": "artifacts", "s3Key": "no/such.zip"}),),
    "missing-object-and-findings": (
        function("new", HERE, timeout=901, code={"s3Bucket": "artifacts", "s3Key": "no/such.zip"}),
    ),
    "name-in-use": (function("new", THERE, functionName="preview-in-force"),),
    "immutable": (function("in-force", HERE, functionName="another"),),
    "name-with-a-dot": (function("a.b", HERE),),
    "secret-access-denied": (function("new", HERE, environment={"valueFrom": [from_secret()]}), [], "developer"),
    "policy": (function("new", GOVERNED, runtime="nodejs24.x", functionName="mine", memorySize=2048),),
    "policy-and-findings": (function("new", GOVERNED, runtime="node24"),),
    "bad-policy": (policy("bad", HERE, defaults={"memorySize": 2048}, allow={"memorySize": {"max": 1024}}),),
    "warnings": (function("new", HERE, runtime="python3.9"), DRY),
    "dry-run-creates": (function("new", HERE), DRY),
    "dry-run-changes": (
        function("in-force", HERE, code={"s3Bucket": "artifacts", "s3Key": "app/2.zip"}, timeout=9, tags={"a": "b"}),
        DRY,
    ),
    "dry-run-refuses": (function("new", HERE, runtime="node24"), DRY),
    "protected": (function("protected", GOVERNED), [], "admin", "delete"),
    "generated-name": (GENERATED, [], "admin", "create"),
}  # fmt: skip


def printed(cluster, manifest, flags=(), user="admin", verb="apply"):
    """All that kubectl prints, and its exit status."""
    if verb == "delete":
        metadata = manifest["metadata"]
        result = cluster.run(verb, "lambdafunction", metadata["name"], "-n", metadata["namespace"], check=False)
    else:
        result = cluster.run(verb, *flags, "-f", "-", stdin=json.dumps(manifest), user=user, check=False)
    text = f"{result.stdout}{result.stderr}exit {result.returncode}\n"
    return re.sub(r'"new-[a-z0-9]{5}"', '"new-xxxxx"', text)  # of generateName


@pytest.mark.parametrize("name", CASES)
def test_kubectl_prints_it_to_the_letter(request, cluster, name):
    file, text = GOLDEN / f"{name}.txt", printed(cluster, *CASES[name])
    if request.config.getoption("--update-golden"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"if that is wanted: pytest {__file__} --update-golden"


def test_there_is_a_case_for_every_file():
    assert sorted(one.stem for one in GOLDEN.glob("*.txt")) == sorted(CASES)
