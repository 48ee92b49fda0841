"""The command line over manifests: kubelambda check and kubelambda plan, offline and with the AWS emulator."""

import copy
import json
import os
import signal
import subprocess

import pytest
import yaml
from harness import BINARY, function, settled

APP = """\
apiVersion: v1
kind: Namespace
metadata:
  name: preview
  labels: {kubelambda.io/environment: preview}
---
apiVersion: kubelambda.io/v1alpha1
kind: LambdaFunction
metadata: {name: hello, namespace: preview}
spec:
  code: {s3Bucket: artifacts, s3Key: app/1.zip}
  runtime: python3.99
  handler: app.handler
  role: arn:aws:iam::123456789012:role/fake
  memorysize: 256
  description: 5
---
apiVersion: v1
kind: List
items:
  - apiVersion: kubelambda.io/v1alpha1
    kind: LambdaFunction
    metadata: {name: old, namespace: preview}
    spec:
      code: {s3Bucket: artifacts, s3Key: app/1.zip}
      runtime: python3.9
      handler: app.handler
      role: arn:aws:iam::123456789012:role/fake
"""

APP_FINDINGS = """\
app.yaml:12: LambdaFunction preview/hello: spec.runtime: Unsupported value: "python3.99": AWS Lambda has no such \
runtime; did you mean python3.14?
app.yaml:15: LambdaFunction preview/hello: spec.memorysize: Invalid value: there is no such field; did you mean \
memorySize?
app.yaml:16: LambdaFunction preview/hello: spec.description: Invalid value: must be a string (put it in quotes), not number
app.yaml:26: warning: LambdaFunction preview/old: spec.runtime: "python3.9": deprecated since 2025-12-15; AWS \
refuses updates from 2027-03-03 on; use python3.14
2 functions, 1 refused, 1 warning, 1 other resource passed over
"""


@pytest.fixture
def cli(tmp_path):
    """Runs kubelambda in the test's own directory; the result has returncode, stdout and stderr."""

    def run(*arguments, stdin="", env=None):
        result = subprocess.run(
            [BINARY, *map(str, arguments)],
            input=stdin,
            text=True,
            capture_output=True,
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                **(env or {}),
            },
            timeout=60,
        )
        assert "ERROR: " not in result.stderr and "runtime error" not in result.stderr, result.stderr
        return result

    return run


def documents(*objects):
    return "---\n".join(yaml.safe_dump(one, sort_keys=False) for one in objects)


# check, without any network


def test_each_finding_is_shown_with_its_line_and_the_field_that_is_meant(cli, tmp_path):
    (tmp_path / "app.yaml").write_text(APP)
    result = cli("check", "-f", "app.yaml", "--offline", "--region", "us-east-1")
    assert (result.returncode, result.stdout, result.stderr) == (1, APP_FINDINGS, "")


def test_the_same_as_json(cli, tmp_path):
    (tmp_path / "app.yaml").write_text(APP)
    result = cli("check", "-f", "app.yaml", "--offline", "--region", "us-east-1", "-o", "json")
    answer = json.loads(result.stdout)
    assert result.returncode == 1
    assert list(answer) == ["functions", "policies", "passedOver", "unreadable", "notices", "summary"]
    assert answer["summary"] == {
        "functions": 2, "policies": 0, "refused": 1, "warnings": 1, "passedOver": 1, "unreadable": 0,
    }  # fmt: skip
    first = answer["functions"][0]
    assert {key: first[key] for key in first if key != "findings"} == {
        "file": "app.yaml", "line": 7, "namespace": "preview", "name": "hello",
        "functionName": "preview-hello", "region": "us-east-1", "allowed": False,
    }  # fmt: skip
    assert first["findings"][2] == {
        "line": 16,
        "severity": "error",
        "field": "spec.description",
        "reason": "FieldValueTypeInvalid",
        "message": "Invalid value: must be a string (put it in quotes), not number",
    }
    assert answer["functions"][1]["findings"][0]["severity"] == "warning"
    passed_over = {"file": "app.yaml", "line": 1, "apiVersion": "v1", "kind": "Namespace", "name": "preview"}
    assert answer["passedOver"] == [passed_over]


def test_what_is_right_passes_from_standard_input(cli):
    result = cli("check", "-f", "-", "--offline", "--region=us-east-1", stdin=documents(function("a", "team")))
    assert (result.returncode, result.stdout) == (0, "1 function, 0 refused, 0 warnings\n")


def test_what_cannot_be_read_is_named_and_the_rest_is_checked(cli, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "a.yaml").write_text(documents(function("a", "team", timeout=0)))
    (folder / "b.yaml").write_text("kind: [\n")
    (folder / "values.txt").write_text("{{ no manifest }}")
    result = cli("check", "-f", "all", "-f", "none.yaml", "--offline", "--region=us-east-1")
    assert result.returncode == 2
    assert result.stderr == (
        "all/b.yaml:2: cannot be read: did not find expected node content\n"
        "none.yaml: cannot be read: No such file or directory\n"
    )
    assert result.stdout.endswith("1 function, 1 refused, 0 warnings, 2 not read\n")
    assert "all/a.yaml:13: LambdaFunction team/a: spec.timeout: " in result.stdout


def test_two_functions_of_one_name_in_an_account_and_region_are_refused_naming_the_other(cli):
    first, second = function("a", "team", functionName="same"), function("b", "other", functionName="same")
    options = ("check", "-f", "-", "--offline", "--region", "us-east-1")
    result = cli(*options, stdin=documents(first, second))
    assert result.returncode == 1
    assert 'LambdaFunction other/b: spec.functionName: Invalid value: "same": ' in result.stdout
    assert "team/a" in result.stdout
    second["spec"]["region"] = "eu-west-1"
    assert cli(*options, stdin=documents(first, second)).returncode == 0


POLICY = """\
apiVersion: kubelambda.io/v1alpha1
kind: LambdaPolicy
metadata: {name: teams}
spec:
  namespaceSelector: {matchLabels: {kubelambda.io/environment: production}}
  defaults: {region: eu-central-1, memorySize: 512}
  require: {tags: [team]}
"""


FRESH = function("fresh", "preview", functionName="preview-gone", region="us-east-1")
GONE = function("gone", "preview", region="us-east-1", runtime="python3.9")


def test_against_what_is_there_already_an_update_is_judged_as_one(cli, tmp_path):
    (tmp_path / "old.yaml").write_text(documents(function("app", "preview", memorySize=64), GONE))
    changed = function("app", "preview", memorySize=64, timeout=9, functionName="other", region="us-east-1")
    check = ("check", "-f", "-", "--offline", "--environment", "preview", "--region", "us-east-1")
    new = cli(*check, stdin=documents(changed, FRESH)).stdout
    assert "must be between" in new and "cannot be changed" not in new and "is used by" not in new
    result = cli(*check, "--against", "old.yaml", stdin=documents(changed, FRESH))
    assert (result.returncode, result.stderr) == (1, "")
    assert [line.split(": ", 1)[1] for line in result.stdout.splitlines()[:-1]] == [
        "warning: LambdaFunction preview/app: spec.memorySize: 64: must be between 128 and 10240",
        'LambdaFunction preview/app: spec.functionName: Invalid value: "other": it cannot be changed from '
        '"preview-app"; create a new LambdaFunction with another functionName',
        'LambdaFunction preview/fresh: spec.functionName: Invalid value: "preview-gone": is used by the '
        "LambdaFunction preview/gone in this account and region; choose another name",
    ]


def test_a_policy_too_is_judged_as_an_update(cli, tmp_path):
    policy = {"apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": "a"}}
    old = {**policy, "spec": {"priority": 1, "defaults": {"memorySize": 64}}}
    (tmp_path / "old.yaml").write_text(documents(old))
    changed = documents({**old, "spec": {**old["spec"], "priority": 2}})
    assert cli("check", "-f", "-", "--offline", stdin=changed).returncode == 1
    assert cli("check", "-f", "-", "--offline", "--against", "old.yaml", stdin=changed).returncode == 0


def test_runtimes_of_a_file_are_known(cli, tmp_path):
    (tmp_path / "runtimes.yaml").write_text("- {name: python9.9}\n")
    ours = documents(function("app", "preview", runtime="python9.9", region="us-east-1"))
    assert "no such runtime" in cli("check", "-f", "-", "--offline", stdin=ours).stdout
    assert cli("check", "-f", "-", "--offline", "--runtimes-file", "runtimes.yaml", stdin=ours).returncode == 0


def test_policies_apply_as_in_the_cluster(cli, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    manifest = json.dumps(function("a", "team"))
    options = ("check", "-f", "-", "--offline", "--region", "us-east-1")
    result = cli(*options, "--policy", "policy.yaml", "--environment", "production", stdin=manifest)
    assert result.returncode == 1
    assert result.stdout.splitlines()[0].startswith("<stdin>:1: LambdaFunction team/a: spec.tags")
    assert result.stdout.endswith("1 function, 1 policy, 1 refused, 0 warnings\n")
    result = cli(*options, "--policy", "policy.yaml", "--environment", "preview", stdin=manifest)
    assert result.returncode == 0
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    space["metadata"]["labels"] = {"kubelambda.io/environment": "production"}
    both = f"{documents(space, function('a', 'team', tags={'team': 'x'}))}---\n{POLICY}"
    result = cli(*options, "-o", "json", stdin=both)
    assert result.returncode == 0
    assert json.loads(result.stdout)["functions"][0]["region"] == "eu-central-1"


def test_a_policy_is_checked_itself(cli):
    wrong = POLICY.replace("memorySize: 512", "memorysize: 512").replace("[team]", "team")
    result = cli("check", "-f", "-", "--offline", stdin=wrong)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "<stdin>:6: LambdaPolicy teams: spec.defaults.memorysize: Invalid value: there is no such field; did you "
        "mean memorySize?",
        "<stdin>:7: LambdaPolicy teams: spec.require.tags: Invalid value: \"team\": must be a list; put it in [ ]",
        "0 functions, 1 policy, 1 refused, 0 warnings",
    ]


@pytest.mark.parametrize(
    "wrong, finding",
    [
        ({"kind": "LambdaFuntion"}, 'kind: Unsupported value: "LambdaFuntion": supported values: LambdaFunction, LambdaPolicy'),
        ({"kind": "lambdafunction"}, 'kind: Unsupported value: "lambdafunction": supported values: LambdaFunction, LambdaPolicy'),
        (
            {"apiVersion": "kubelamda.io/v1alpha1"},
            'apiVersion: Unsupported value: "kubelamda.io/v1alpha1": supported values: kubelambda.io/v1alpha1',
        ),
    ],
)
def test_a_kind_or_group_with_a_typing_error_is_not_passed_over(cli, wrong, finding):
    manifest = documents({**function("a", "team"), **wrong})
    result = cli("check", "-f", "-", "--offline", "--region=us-east-1", stdin=manifest)
    line = 1 if "apiVersion" in wrong else 2
    assert (result.returncode, result.stdout.splitlines()) == (
        1,
        [f"<stdin>:{line}: LambdaFunction team/a: {finding}", "1 function, 1 refused, 0 warnings"],
    )


@pytest.mark.parametrize("command, status", [("check", 2), ("plan", 1)])
def test_where_no_policy_is_in_the_file_for_them_nothing_looks_well(cli, aws, tmp_path, command, status):
    (tmp_path / "policy.yaml").write_text(documents(function("a", "team")))
    (tmp_path / "none.yaml").write_text("apiVersion: v1\nkind: List\nitems: []\n")
    options = (command, "-f", "-", "--policy", "none.yaml", "--policy", "policy.yaml")
    result = cli(*options, env=aws.env())
    assert result.returncode == status
    assert result.stderr == "policy.yaml: cannot be read: there is no LambdaPolicy in it\n"


def test_a_plan_under_a_policy_that_would_be_refused_is_wrong(cli, aws, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY.replace("kind: LambdaPolicy", "kind: LambdaPolcy"))
    result = cli("plan", "-f", "-", "--policy", "policy.yaml", env=aws.env())
    assert result.returncode == 1
    assert "policy.yaml:2: LambdaPolicy " in result.stdout
    assert 'kind: Unsupported value: "LambdaPolcy"' in result.stdout
    assert result.stdout.endswith(", 1 refused\n")


def test_environment_values_and_control_characters_never_reach_the_output(cli):
    declared = function("a", "team", environment={"variables": {"KEY": "s3cr3t", "1": "s3cr3t", "B": 5}})
    declared["metadata"]["name"] = "x\x1b[31m\nFAKE"
    for output in ("text", "json"):
        result = cli("check", "-f-", "--offline", "-o", output, stdin=json.dumps(declared))
        assert result.returncode == 1
        assert "s3cr3t" not in result.stdout + result.stderr
        assert "\x1b" not in result.stdout + result.stderr
        assert "\nFAKE" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the manifests with -f FILE, -f DIR or -f -"),
        (["-f"], "-f needs a value"),
        (["-f", "a", "-o", "yaml"], "--output yaml: must be text or json"),
        (["-f-", "--against", "-"], "standard input (-) can be read once only"),
        (["-fa", "--runtimes-file", "none"], "--runtimes-file none: No such file or directory"),
        (["app.yaml"], "unexpected argument app.yaml"),
        (["--nonsense"], "unknown option --nonsense; --help lists them"),
    ],
)
@pytest.mark.parametrize(("command", "status"), [("check", 2), ("plan", 1)])
def test_wrong_usage_is_said_in_one_line(cli, command, status, arguments, message):
    result = cli(command, *arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr == f"kubelambda {command}: {message}\n"


@pytest.mark.parametrize(
    "arguments, status",
    [
        (("check", "-f", "-", "--offline", "-o", "json"), 2),
        (("check", "-f", "-", "--offline"), 2),
        (("zip", ".", "-o", "out.zip"), 1),
        (("plan", "--help"), 1),
        (("--version",), 1),
    ],
)
def test_output_that_cannot_be_written_is_a_failure_and_a_pipe_that_is_closed_is_none(tmp_path, arguments, status):
    (tmp_path / "a").write_text("a")
    run = [BINARY, *arguments]
    with open("/dev/full", "w") as full:
        result = subprocess.run(run, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, text=True)
    assert (result.returncode, result.stderr) == (
        status, "kubelambda: the output could not be written: No space left on device\n",
    )  # fmt: skip
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(run, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, cwd=tmp_path)
    os.close(write)
    assert (result.returncode in (0, -signal.SIGPIPE), result.stderr) == (True, b"")


@pytest.mark.parametrize("command", ["check", "plan"])
def test_help_shows_an_example(cli, command):
    result = cli(command, "--help")
    assert result.returncode == 0
    assert f"kubelambda {command} -f " in result.stdout and "Examples:" in result.stdout


def test_without_credentials_that_is_said_once(cli):
    manifests = documents(*[function(f"f{number}", "team") for number in range(3)])
    result = cli("check", "-f", "-", "--region", "us-east-1", stdin=manifests)
    assert (result.returncode, result.stdout) == (0, "3 functions, 0 refused, 0 warnings\n")
    assert result.stderr.count("no AWS credentials") == 1 and result.stderr.count("\n") == 1


# check, with the AWS emulator


def test_a_missing_object_is_refused_and_one_that_is_there_is_not(cli, aws):
    found = [function(f"f{number}", "team") for number in range(20)]
    lost = function("lost", "team", code={"s3Bucket": "artifacts", "s3Key": "no/such.zip"})
    result = cli("check", "-f", "-", stdin=documents(*found), env=aws.env())
    assert (result.returncode, result.stdout, result.stderr) == (0, "20 functions, 0 refused, 0 warnings\n", "")
    result = cli("check", "-f", "-", stdin=documents(*found, lost), env=aws.env())
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        '<stdin>:269: LambdaFunction team/lost: spec.code.s3Key: Not found: "no/such.zip": there is no such object '
        "in the bucket artifacts; upload it first",
        "21 functions, 1 refused, 0 warnings",
    ]


def test_an_s3_that_does_not_answer_is_a_warning(cli, aws):
    broken = {**aws.env(), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    result = cli("check", "-f", "-", stdin=documents(function("a", "team")), env=broken)
    assert result.returncode == 0
    assert "warning: LambdaFunction team/a: spec.code.s3Key: not checked, S3 could not be asked" in result.stdout


WRONG = [
    {"runtime": "python3.99"},
    {"memorySize": 64, "timeout": 0, "layers": ["nonsense"]},
    {"handler": None, "role": "nobody"},
    {"code": {"s3Bucket": "artifacts", "s3Key": "no/such.zip"}},
    {"memorySize": 64, "code": {"s3Bucket": "artifacts", "s3Key": "no/such.zip"}},
    {"tags": {"aws:x": "z"}, "environment": {"variables": {"AWS_REGION": "x"}}},
]


@pytest.mark.parametrize("members", WRONG, ids=[" ".join(one) for one in WRONG])
def test_check_says_what_kubectl_shows_from_the_webhook(cli, cluster, aws, serve, namespace, members):
    declared = function("wrong", namespace, **members)
    shown = cluster.apply(declared, check=False).stderr
    assert "is invalid: " in shown
    findings = shown.split("is invalid: ", 1)[1].strip()
    wanted = sorted(line.strip().removeprefix("* ") for line in findings.splitlines())
    labelled = {"kubelambda.io/environment": "preview"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labelled}}
    result = cli("check", "-f", "-", "-o", "json", stdin=documents(space, declared), env=aws.env())
    assert result.returncode == 1
    found = json.loads(result.stdout)["functions"][0]["findings"]
    assert sorted(f"{one['field']}: {one['message']}" for one in found) == wanted


# plan


def test_a_function_that_is_not_there_would_be_created_and_one_that_is_in_force_is_the_same(
    cli, cluster, aws, serve, namespace
):
    declared = function("planned", namespace, memorySize=256, environment={"variables": {"TOKEN": "s3cr3t"}})
    options = ("plan", "-f", "-", "--environment", "preview")
    before = cli(*options, stdin=documents(declared), env=aws.env())
    assert before.returncode == 2
    assert before.stdout.splitlines()[:3] == [
        f"<stdin>:1: LambdaFunction {namespace}/planned: preview-planned in us-east-1",
        "  + create",
        '  + functionName: "preview-planned"',
    ]
    assert "  + memorySize: 256" in before.stdout
    assert "  + environment.variables: 1 added (TOKEN)" in before.stdout
    assert before.stdout.endswith("1 function: 1 to create, 0 to change, 0 same\n")

    cluster.apply(declared)
    settled(cluster, "planned", namespace)
    after = cli(*options, stdin=documents(declared), env=aws.env())
    assert (after.returncode, after.stdout, after.stderr) == (0, "1 function: 0 to create, 0 to change, 1 same\n", "")

    changed = copy.deepcopy(declared)
    variables = {"TOKEN": "0th3r", "MORE": "x"}
    changed["spec"].update(memorySize=512, tags={"team": "a"}, environment={"variables": variables})
    result = cli(*options, stdin=documents(changed), env=aws.env())
    assert result.returncode == 2
    assert {line for line in result.stdout.splitlines() if line.startswith("  ") and "changes" not in line} == {
        "  ~ memorySize: 256 -> 512",
        "  ~ environment.variables: 1 changed (TOKEN), 1 added (MORE)",
        '  + tags[team]: "a"',
    }
    assert "s3cr3t" not in before.stdout + result.stdout and "0th3r" not in result.stdout

    answer = json.loads(cli(*options, "-o", "json", stdin=documents(changed), env=aws.env()).stdout)
    assert answer["summary"]["change"] == 1
    assert answer["functions"][0]["action"] == "change"
    assert {"path": "memorySize", "before": 256, "after": 512} in answer["functions"][0]["differences"]
    secret = {"path": "environment.variables", "changed": ["TOKEN"], "added": ["MORE"], "removed": []}
    assert secret in answer["functions"][0]["differences"]


def test_what_is_not_declared_any_more_is_seen_where_the_manifest_carries_the_status(
    cli, cluster, aws, serve, namespace
):
    cluster.apply(function("shrinks", namespace, memorySize=256, tags={"team": "a"}))
    live = settled(cluster, "shrinks", namespace)
    del live["spec"]["memorySize"], live["spec"]["tags"]
    result = cli("plan", "-f", "-", stdin=json.dumps(live), env=aws.env())
    assert result.returncode == 2
    assert "  ~ memorySize: 256 -> 128\n" in result.stdout
    assert '  - tags[team]: "a"\n' in result.stdout


def test_other_code_is_a_difference_and_the_same_content_under_another_key_is_none(
    cli, cluster, aws, serve, namespace
):
    declared = function("coded", namespace)
    cluster.apply(declared)
    settled(cluster, "coded", namespace)
    aws.upload("app/same.zip")
    aws.upload("app/other.zip", "x = 1\n")
    options = ("plan", "-f", "-", "--environment", "preview")
    for key, status in (("app/same.zip", 0), ("app/other.zip", 2)):
        declared["spec"]["code"]["s3Key"] = key
        result = cli(*options, stdin=documents(declared), env=aws.env())
        assert result.returncode == status, result.stdout
    assert "  ~ code: artifacts/app/other.zip is deployed\n" in result.stdout


def test_somebody_elses_function_is_said_to_be_blocked(cli, aws):
    aws.functions.create_function(
        FunctionName="foreign",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::123456789012:role/fake",
        Code={"S3Bucket": "artifacts", "S3Key": "app/1.zip"},
    )
    result = cli("plan", "-f", "-", stdin=documents(function("foreign", "team")), env=aws.env())
    assert result.returncode == 1
    assert "  ! blocked: AlreadyExists: a function named foreign exists and was not made by kubelambda" in result.stdout


def test_what_admission_would_refuse_is_said_by_plan_too(cli, aws):
    result = cli("plan", "-f", "-", stdin=documents(function("bad", "team", memorySize=1)), env=aws.env())
    assert result.returncode == 1
    assert "LambdaFunction team/bad: spec.memorySize: Invalid value: 1: " in result.stdout


def test_a_plan_without_credentials_or_with_an_aws_that_does_not_answer_is_an_error(cli, aws):
    manifest = documents(function("a", "team", functionName="a"))
    result = cli("plan", "-f", "-", stdin=manifest)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("kubelambda plan: no AWS credentials")
    broken = {**aws.env(), "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1"}
    result = cli("plan", "-f", "-", stdin=manifest, env=broken)
    assert result.returncode == 1
    assert "  ! GetFunction: " in result.stdout and "1 not known" in result.stdout
