"""What people see when they apply a LambdaFunction: through kubectl, on a real API server."""

import concurrent.futures
import copy
import datetime
import json
import re

import pytest
import yaml
from harness import ROOT, free_port, function, wait_for

MISSING = {"s3Bucket": "artifacts", "s3Key": "no/such.zip"}


@pytest.fixture(autouse=True)
def ready(serve):
    """kubelambda with its ordinary options is there for every test."""


@pytest.fixture
def refusal(cluster):
    """What kubectl prints for a manifest that is refused, without the line's end."""

    def apply(manifest, *flags, verb="apply"):
        result = cluster.run(verb, "-f", "-", *flags, stdin=json.dumps(manifest), check=False)
        assert (result.returncode, result.stdout) == (1, ""), result
        return result.stderr.strip()

    return apply


def spec(cluster, name, namespace):
    return cluster.get("lambdafunction", name, namespace)["spec"]


def controls():
    """What the schema itself fills in: kubelambda's own controls, never a member of AWS's."""
    crd = yaml.safe_load((ROOT / "manifests/crd.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return {name: field["default"] for name, field in schema["properties"].items() if "default" in field}


def changed(manifest, **members):
    """A copy with other members of the spec; None removes one."""
    result = copy.deepcopy(manifest)
    result["spec"].update(members)
    result["spec"] = {key: value for key, value in result["spec"].items() if value is not None}
    return result


# Defaults


def test_the_name_is_made_from_the_namespaces_environment_and_the_region_is_filled_in(cluster, namespace):
    declared = function("first-function", namespace)
    cluster.apply(declared)
    filled = {"functionName": "preview-first-function", "region": "us-east-1"}
    assert spec(cluster, "first-function", namespace) == {**controls(), **declared["spec"], **filled}


def test_without_any_environment_the_function_is_called_like_the_resource(cluster):
    cluster.apply(function("plainly-named", cluster.namespace("no-environment")))
    assert spec(cluster, "plainly-named", "no-environment")["functionName"] == "plainly-named"


def test_the_options_environment_and_region_are_used_where_nothing_else_says_one(cluster, serve_with):
    serve_with("--no-controller", "--environment", "staging", "--region", "eu-west-1")
    cluster.apply(function("one", cluster.namespace("takes-the-option")))
    cluster.apply(function("one", cluster.namespace("has-its-label", "preview")))
    assert spec(cluster, "one", "takes-the-option")["functionName"] == "staging-one"
    assert spec(cluster, "one", "takes-the-option")["region"] == "eu-west-1"
    assert spec(cluster, "one", "has-its-label")["functionName"] == "preview-one"


def test_nothing_that_was_written_is_changed(cluster, namespace):
    declared = function(
        "written",
        namespace,
        functionName="My_own-Name",
        region="eu-central-1",
        description="  blanks and ünïcode  ",
        memorySize=129,
        timeout=900,
        architectures=["arm64"],
        environment={"variables": {"Zeta": "2", "ALPHA": "", "alpha": " 1 "}},
        layers=[f"arn:aws:lambda:eu-central-1:123456789012:layer:{name}:1" for name in ("z", "a", "m")],
        ephemeralStorage={"size": 513},
        tags={"team": "", "Cost Centre": "a/b=c"},
    )
    cluster.apply(declared)
    assert spec(cluster, "written", namespace) == {**controls(), **declared["spec"]}


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_applying_the_same_manifest_again_changes_nothing(cluster, namespace, flags):
    name = f"same{'-'.join(flags)}"
    declared = function(name, namespace)
    cluster.apply(declared, flags=flags)
    cluster.apply(declared, flags=flags)
    assert cluster.get("lambdafunction", name, namespace)["metadata"]["generation"] == 1
    diff = cluster.run("diff", *flags, "-f", "-", stdin=json.dumps(declared), check=False)
    assert (diff.returncode, diff.stdout) == (0, "")


def test_kubectl_replace_keeps_what_was_filled_in(cluster, namespace):
    declared = function("replaced", namespace)
    cluster.apply(declared)
    cluster.replace(changed(declared, memorySize=256))
    filled = {"functionName": "preview-replaced", "region": "us-east-1", "memorySize": 256}
    assert spec(cluster, "replaced", namespace) == {**controls(), **declared["spec"], **filled}


def test_the_name_stays_when_the_environment_of_the_namespace_changes(cluster, namespace):
    declared = function("steady", namespace)
    cluster.apply(declared)
    cluster.run("label", "namespace", namespace, "kubelambda.io/environment=production", "--overwrite")
    cluster.replace(changed(declared, timeout=7))
    assert spec(cluster, "steady", namespace)["functionName"] == "preview-steady"


def test_a_namespace_applied_together_with_its_functions_gives_them_its_environment(cluster):
    documents = []
    for number in range(5):
        metadata = {"name": f"together-{number}", "labels": {"kubelambda.io/environment": f"env{number}"}}
        documents += [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
            function("one", f"together-{number}"),
        ]
    cluster.apply(*documents)
    names = [spec(cluster, "one", f"together-{number}")["functionName"] for number in range(5)]
    assert names == [f"env{number}-one" for number in range(5)]


def test_a_generated_name_needs_a_written_function_name(cluster, namespace, refusal):
    declared = function("x", namespace)
    declared["metadata"] = {"generateName": "fake-", "namespace": namespace}
    assert (
        "spec.functionName: Required value: metadata.generateName gives no name to derive it from; "
        "write spec.functionName, or metadata.name instead"
    ) in refusal(declared, verb="create")
    cluster.run("create", "-f", "-", stdin=json.dumps(changed(declared, functionName="preview-generated")))


def test_a_name_with_a_dot_needs_a_written_function_name(cluster, namespace, refusal):
    assert refusal(function("fake.function", namespace)) == (
        'The LambdaFunction "fake.function" is invalid: spec.functionName: Invalid value: '
        '"preview-fake.function": made from metadata.name, but AWS takes 1 to 64 letters, digits, hyphens '
        "and underscores; write a spec.functionName"
    )
    cluster.apply(function("fake.function", namespace, functionName="preview-fake-dot"))
    assert spec(cluster, "fake.function", namespace)["functionName"] == "preview-fake-dot"


def test_a_name_that_becomes_too_long_is_refused(namespace, refusal):
    assert "AWS takes 1 to 64 letters" in refusal(function("n" * 60, namespace))


# Refusals: what kubectl prints, to the letter


def test_a_single_finding_is_one_line(namespace, refusal):
    assert refusal(function("wrong-function", namespace, runtime="python3.31")) == (
        'The LambdaFunction "wrong-function" is invalid: spec.runtime: Unsupported value: "python3.31": '
        "AWS Lambda has no such runtime; did you mean python3.14?"
    )


def test_a_missing_object_is_told_with_its_bucket(namespace, refusal):
    assert refusal(function("wrong-function", namespace, code=MISSING)) == (
        'The LambdaFunction "wrong-function" is invalid: spec.code.s3Key: Not found: "no/such.zip": '
        "there is no such object in the bucket artifacts; upload it first"
    )


def test_all_findings_come_in_one_answer(namespace, refusal):
    wrong = function("wrong-function", namespace, runtime="pyton3.13", code=MISSING, memorySize=64)
    assert refusal(wrong).splitlines() == [
        'The LambdaFunction "wrong-function" is invalid: ',
        '* spec.memorySize: Invalid value: 64: must be between 128 and 10240',
        '* spec.runtime: Unsupported value: "pyton3.13": AWS Lambda has no such runtime; '
        "did you mean python3.13?",
        '* spec.code.s3Key: Not found: "no/such.zip": there is no such object in the bucket artifacts; '
        "upload it first",
    ]


REFUSED = {
    "a blocked runtime": (
        {"runtime": "python3.6"},
        'spec.runtime: Unsupported value: "python3.6": AWS refuses to create functions with it since '
        "2022-07-18 and to update them since 2022-08-29; use python3.14",
    ),
    "a user's ARN as role": (
        {"role": "arn:aws:iam::123456789012:user/fake"},
        'spec.role: Invalid value: "arn:aws:iam::123456789012:user/fake": must be the ARN of an IAM role, '
        "such as arn:aws:iam::123456789012:role/name",
    ),
    "a role's bare name": (
        {"role": "fake"},
        'spec.role: Invalid value: "fake": must be the ARN of an IAM role, '
        "such as arn:aws:iam::123456789012:role/name",
    ),
    "too much memory": (
        {"memorySize": 10241},
        "spec.memorySize: Invalid value: 10241: must be between 128 and 10240, or up to 32768 with "
        "capacityProviderConfig or acceleratorConfig",
    ),
    "memory in words": (
        {"memorySize": "512"},
        "spec.memorySize: Invalid value: \"512\": must be a whole number, without quotes",
    ),
    "no time at all": (
        {"timeout": 0},
        "spec.timeout: Invalid value: 0: must be between 1 and 900",
    ),
    "a handler with a blank": (
        {"handler": "app handler"},
        'spec.handler: Invalid value: "app handler": must be without blanks, such as app.handler',
    ),
    "another processor": (
        {"architectures": ["riscv64"]},
        'spec.architectures[0]: Unsupported value: "riscv64": supported values: x86_64, arm64',
    ),
    "no runtime": (
        {"runtime": None},
        "spec.runtime: Required value: Identifier of the runtime, for example python3.13, nodejs24.x "
        "or provided.al2023.",
    ),
    "a reserved variable": (
        {"environment": {"variables": {"AWS_REGION": "x"}}},
        "spec.environment.variables: Forbidden: these names are reserved by AWS Lambda; remove AWS_REGION",
    ),
    "a layer of another region": (
        {"layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:libs:1"]},
        'spec.layers[0]: Invalid value: "arn:aws:lambda:eu-west-1:123456789012:layer:libs:1": it is in eu-west-1, '
        "the function in us-east-1; use one of that region",
    ),
    "our own tag": (
        {"tags": {"kubelambda.io/owner": "me"}},
        "spec.tags: Forbidden: a key begins with kubelambda.io/, which is kubelambda's; choose another",
    ),
    "too many items": (
        {"layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:libs{number}:1" for number in range(6)]},
        "spec.layers: Too many: it has 6 items; at most 5 are allowed",
    ),
    "a key with its bucket": (
        {"code": {"s3Bucket": "artifacts", "s3Key": "s3://artifacts/app/1.zip"}},
        'spec.code.s3Key: Not found: "s3://artifacts/app/1.zip": there is no such object in the bucket artifacts; '
        "write only the key, which begins after the bucket and a slash",
    ),
    "too few items": (
        {"architectures": []},
        "spec.architectures: Invalid value: must have at least 1 items",
    ),
    "a long key of a tag": (
        {"tags": {"k" * 129: "x"}},
        f"spec.tags[{'k' * 64}…]: Too long: a key has at most 128 characters",
    ),
    "a tag with a character that AWS does not take": (
        {"tags": {"team": "rocket 🚀"}},
        "spec.tags: Invalid value: a value has the character U+1F680; AWS takes letters, digits, blanks and _.:/=+-@",
    ),
    "a name that AWS does not take": (
        {"functionName": "fake.function"},
        'spec.functionName: Invalid value: "fake.function": must be letters a to z, digits, hyphens and underscores',
    ),
}


@pytest.mark.parametrize("wrong, message", REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_what_to_write_instead(namespace, refusal, wrong, message):
    wanted = f'The LambdaFunction "wrong-function" is invalid: {message}'
    assert refusal(function("wrong-function", namespace, **wrong)) == wanted


def test_an_unknown_field_is_refused_by_its_name(namespace, refusal):
    assert 'unknown field "spec.memory"' in refusal(function("wrong-function", namespace, memory=512))


def test_a_deprecated_runtime_is_accepted_with_a_warning_that_has_the_dates(cluster, namespace):
    table = (ROOT / "common/function/runtimes.c").read_text(encoding="utf-8")
    rows = re.findall(r'{"(\S+)", "(\S+)", "(\S+)", "(\S+)"}', table)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    deprecated = [row for row in rows if row[1] <= today < min(row[2:])]
    if not deprecated:
        pytest.skip("no runtime is deprecated and not blocked today")
    runtime, since, _, until = deprecated[0]
    warning = cluster.apply(function("aged", namespace, runtime=runtime)).stderr
    text = f'"{runtime}": deprecated since {since}; AWS refuses updates from {until} on'
    assert warning.startswith(f"Warning: spec.runtime: {text}"), warning


def test_a_server_side_dry_run_refuses_the_same_and_leaves_nothing_behind(cluster, namespace, refusal):
    wrong = function("rehearsed", namespace, runtime="python3.31", code=MISSING, memorySize=64)
    assert refusal(wrong, "--dry-run=server") == refusal(wrong)
    cluster.apply(function("rehearsed", namespace), flags=("--dry-run=server",))
    assert cluster.get("lambdafunction", "rehearsed", namespace) is None


# Changes


@pytest.mark.parametrize("field, value", [("functionName", "preview-renamed"), ("region", "eu-west-1")])
def test_what_names_the_function_cannot_be_changed(cluster, namespace, refusal, field, value):
    name = f"kept-{field.lower()}"
    cluster.apply(function(name, namespace))
    was = spec(cluster, name, namespace)[field]
    assert refusal(function(name, namespace, **{field: value})).splitlines()[-1].endswith(
        f'spec.{field}: Invalid value: "{value}": it cannot be changed from "{was}"; create a new '
        "LambdaFunction with another functionName"
    )


def test_the_account_of_the_role_cannot_be_changed(cluster, namespace, refusal):
    cluster.apply(function("kept-account", namespace))
    other = function("kept-account", namespace, role="arn:aws:iam::999999999999:role/fake")
    assert "the function lives in account 123456789012, and AWS demands a role of the same" in refusal(other)


@pytest.fixture
def store_unchecked(cluster, serve):
    """Creates a resource as if it were from before the webhook was installed."""

    def store(manifest):
        assert serve.stop() == 0
        try:
            cluster.run("delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "kubelambda")
            wait_for(
                lambda: cluster.apply(manifest, check=False).returncode == 0,
                what="the API server doing without the webhook",
            )
        finally:
            serve.start()

    return store


def test_a_resource_from_before_the_webhook_can_be_mended(cluster, namespace, store_unchecked):
    whole = {"functionName": "preview-ancient", "region": "us-east-1"}
    old = function("ancient", namespace, runtime="python2.7", **whole)
    store_unchecked(old)

    target = ("lambdafunction", "ancient", "-n", namespace)
    assert cluster.run("label", *target, "team=blue").stderr == ""
    finalizer = {"metadata": {"finalizers": ["example.com/hold"]}}
    assert cluster.run("patch", *target, "--type=merge", "-p", json.dumps(finalizer)).stderr == ""
    finalizer = {"metadata": {"finalizers": None}}
    assert cluster.run("patch", *target, "--type=merge", "-p", json.dumps(finalizer)).stderr == ""

    # What AWS does not receive can always change; that it would refuse the rest is told at once.
    assert "configured" in cluster.apply(changed(old, suspend=True)).stdout
    refused = cluster.apply(changed(old, memorySize=256), check=False)
    assert "to update them since 2022-05-30; use python3.14" in refused.stderr
    mended = cluster.apply(changed(old, runtime="python3.14", memorySize=256))
    assert "configured" in mended.stdout


def test_what_was_wrong_before_only_warns_while_it_is_not_touched(cluster, namespace, store_unchecked):
    old = function("lax", namespace, functionName="preview-lax", region="us-east-1")
    old["spec"]["layers"] = ["arn:aws:lambda:eu-west-1:123456789012:layer:libs:1"]
    store_unchecked(old)

    accepted = cluster.apply(changed(old, memorySize=256))
    assert "Warning: spec.layers[0]: " in accepted.stderr
    more = [*old["spec"]["layers"], "arn:aws:lambda:eu-west-1:123456789012:layer:more:1"]
    assert "use one of that region" in cluster.apply(changed(old, layers=more), check=False).stderr


def test_finalizers_come_off_also_while_the_webhook_is_down(cluster, namespace, serve):
    declared = function("goes", namespace)
    declared["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.apply(declared)
    target = ("lambdafunction", "goes", "-n", namespace)
    cluster.run("delete", *target, "--wait=false")
    assert serve.stop() == 0
    try:
        cluster.run("patch", *target, "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))
        assert cluster.get("lambdafunction", "goes", namespace) is None
        down = cluster.apply(function("new", namespace), check=False)
        assert "connection refused" in down.stderr  # failurePolicy: Fail
    finally:
        serve.start()


def test_fifty_functions_at_the_same_time_are_all_accepted(cluster, namespace):
    def create(number):
        path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"
        return cluster.request("POST", path, function(f"many-{number}", namespace))

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(create, range(50)))
    assert [status for status, _ in answers] == [201] * 50
    names = {answer["spec"]["functionName"] for _, answer in answers}
    assert names == {f"preview-many-{number}" for number in range(50)}


# The artifact


KEYS = [
    "a blank.zip",
    "a+b=c&d.zip",
    "ünï/☃.zip",
    "two//slashes.zip",
    "%41?x#y.zip",
    "~'(!)*;:@$,.zip",
    "a/../b.zip",
]


@pytest.mark.parametrize("key", KEYS)
def test_any_key_that_s3_takes_is_found(cluster, aws, namespace, refusal, key):
    declared = function(f"odd-{KEYS.index(key)}", namespace)
    declared["spec"]["code"]["s3Key"] = f"odd/{key}"
    assert "there is no such object" in refusal(declared)
    aws.upload(f"odd/{key}")
    assert cluster.apply(declared).stderr == ""


def test_the_named_version_of_the_object_must_exist(cluster, aws, namespace, refusal):
    key = "versions.zip"
    first, _ = (aws.upload(key, text)["VersionId"] for text in ("1", "2"))
    gone = aws.objects.delete_object(Bucket="artifacts", Key=key)["VersionId"]

    def with_version(**version):
        return function("versioned", namespace, code={"s3Bucket": "artifacts", "s3Key": key, **version})

    assert "there is no such object" in refusal(with_version())
    assert refusal(with_version(s3ObjectVersion=gone)).endswith(
        f'spec.code.s3ObjectVersion: Invalid value: "{gone}": S3 refuses it: no version id of {key} in the '
        "bucket artifacts, or a delete marker"
    )
    assert refusal(with_version(s3ObjectVersion="nonsense")).endswith(
        'spec.code.s3ObjectVersion: Not found: "nonsense": the bucket artifacts has no such version of '
        + key
    )
    cluster.apply(with_version(s3ObjectVersion=first))


def test_an_object_is_found_as_soon_as_it_is_uploaded(cluster, aws, namespace, refusal):
    late = function("late", namespace, code={"s3Bucket": "artifacts", "s3Key": "late.zip"})
    refusal(late)
    aws.upload("late.zip")
    cluster.apply(late)


def test_a_change_of_other_fields_does_not_ask_for_the_object_again(cluster, aws, namespace, refusal):
    aws.upload("short-lived.zip")
    declared = function("held", namespace, code={"s3Bucket": "artifacts", "s3Key": "short-lived.zip"})
    cluster.apply(declared)
    aws.objects.delete_object(Bucket="artifacts", Key="short-lived.zip")
    cluster.apply(changed(declared, memorySize=256))


def test_while_s3_is_down_functions_are_let_through_with_a_warning(cluster, namespace, serve_with):
    nowhere = f"127.0.0.1:{free_port()}"
    serve_with("--no-controller", env={"AWS_ENDPOINT_URL_S3": f"http://{nowhere}"})
    code = {"s3Bucket": "artifacts", "s3Key": f"fake-function/{'0123456789abcdef' * 4}.zip"}
    result = cluster.apply(function("unchecked", namespace, code=code))
    assert result.stderr.startswith(
        f"Warning: spec.code.s3Key: not checked, S3 could not be asked ({nowhere}: Failed to connect to "
    )
    wrong = cluster.apply(function("unchecked-but-wrong", namespace, runtime="python3.31"), check=False)
    assert "did you mean python3.14?" in wrong.stderr


def test_while_s3_is_down_functions_are_refused_where_the_admin_says_so(cluster, namespace, serve_with):
    nowhere = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{free_port()}"}
    serve_with("--no-controller", "--artifact-unavailable", "reject", env=nowhere)
    result = cluster.apply(function("uncheckable", namespace), check=False)
    assert result.returncode == 1
    wanted = 'spec.code.s3Key: Invalid value: "app/1.zip": S3 could not be asked whether it exists ('
    assert wanted in result.stderr, result.stderr
    assert result.stderr.strip().endswith("); try again")


def test_with_wrong_credentials_the_refusal_does_not_claim_that_the_object_is_missing(
    cluster, namespace, serve_with
):
    serve_with("--no-controller", env={"AWS_SECRET_ACCESS_KEY": "not-the-secret"})
    result = cluster.apply(function("unreadable", namespace), check=False)
    assert result.stderr.strip() == (
        'The LambdaFunction "unreadable" is invalid: spec.code.s3Key: Not found: "app/1.zip": missing in the '
        "bucket artifacts, or not readable with kubelambda's credentials; S3 tells which when they may also "
        "s3:ListBucket"
    )


def test_without_credentials_functions_are_let_through_with_a_warning(cluster, namespace, serve_with):
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    serve_with("--no-controller", env=none)
    assert "not checked, S3 could not be asked" in cluster.apply(function("anonymous", namespace)).stderr
