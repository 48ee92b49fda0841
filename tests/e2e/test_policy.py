"""LambdaPolicies on a real API server: what they fill in, refuse and count, and when that takes effect."""

import json
import time

import pytest
from harness import ROOT, client, function, settled, wait_for

SHA = "3f9c" * 16
KEY = f"fake-function/{SHA}.zip"


@pytest.fixture(autouse=True)
def ready(serve):
    """kubelambda with its ordinary options is there for every test."""


def policy(name, selector=None, **spec):
    """A LambdaPolicy for the namespaces with these labels, or for the namespace of that name."""
    if isinstance(selector, str):
        selector = {"kubernetes.io/metadata.name": selector}
    if selector:
        spec["namespaceSelector"] = {"matchLabels": selector}
    return {
        "apiVersion": "kubelambda.io/v1alpha1",
        "kind": "LambdaPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


@pytest.fixture
def policies(cluster):
    """Applies policies and waits until they are in force: a second; afterwards they are gone."""
    applied = []

    def apply(*objects):
        cluster.apply(*objects)
        applied.extend(one["metadata"]["name"] for one in objects)
        time.sleep(1)

    yield apply
    if applied:
        cluster.run("delete", "lambdapolicies", *applied, "--ignore-not-found")
        time.sleep(1)


@pytest.fixture
def refusal(cluster):
    """What kubectl prints for a manifest that is refused, without the line's end."""

    def apply(manifest):
        result = cluster.run("apply", "-f", "-", stdin=json.dumps(manifest), check=False)
        assert (result.returncode, result.stdout) == (1, ""), result
        return result.stderr.strip()

    return apply


def spec(cluster, name, namespace):
    return cluster.get("lambdafunction", name, namespace)["spec"]


# What is filled in


def test_defaults_are_added_and_nothing_that_was_written_is_changed(cluster, namespace, policies):
    defaults = {
        "memorySize": 256,
        "timeout": 9,
        "region": "us-east-1",
        "tags": {"team": "blue", "cost/centre": "a=b"},
        "environment": {"variables": {"LOG_LEVEL": "info", "STAGE": "x"}},
    }
    policies(policy("fills", namespace, defaults=defaults))
    declared = function(
        "one", namespace, timeout=3, tags={"team": "red"}, environment={"variables": {"STAGE": "mine"}}
    )
    cluster.apply(declared)
    got = spec(cluster, "one", namespace)
    expected = {
        **declared["spec"],
        "functionName": "preview-one",
        "region": "us-east-1",
        "memorySize": 256,
        "tags": {"team": "red", "cost/centre": "a=b"},
        "environment": {"variables": {"STAGE": "mine", "LOG_LEVEL": "info"}},
    }
    assert {key: got[key] for key in expected} == expected
    cluster.apply(function("bare", namespace))
    assert spec(cluster, "bare", namespace)["environment"] == {"variables": {"LOG_LEVEL": "info", "STAGE": "x"}}
    before = cluster.get("lambdafunction", "bare", namespace)["metadata"]["generation"]
    cluster.apply(function("bare", namespace))
    assert cluster.get("lambdafunction", "bare", namespace)["metadata"]["generation"] == before


def test_of_several_policies_the_highest_priority_that_sets_a_default_wins(cluster, namespace, policies):
    policies(
        policy("b-low", namespace, defaults={"memorySize": 128, "timeout": 5, "tags": {"a": "low", "b": "low"}}),
        policy("c-high", namespace, priority=10, defaults={"memorySize": 512, "tags": {"a": "high"}}),
        policy("a-low", namespace, defaults={"timeout": 6}),
        policy("elsewhere", "some-other-namespace", priority=99, defaults={"memorySize": 1024}),
    )
    cluster.apply(function("one", namespace))
    got = spec(cluster, "one", namespace)
    assert (got["memorySize"], got["timeout"], got["tags"]) == (512, 6, {"a": "high", "b": "low"})


def test_the_policys_environment_stands_above_the_namespaces_label(cluster, namespace, policies):
    policies(policy("says", namespace, environment="qa"))
    cluster.apply(function("one", namespace))
    assert spec(cluster, "one", namespace)["functionName"] == "qa-one"


def test_a_missing_prefix_is_refused_with_the_name_to_write(cluster, namespace, policies, refusal):
    policies(policy("names", namespace, functionName={"prefix": "team-blue-"}))
    assert refusal(function("one", namespace, functionName="mine")) == (
        'Error from server (Forbidden): error when creating "STDIN": admission webhook '
        '"mutate.kubelambda.io" denied the request: LambdaFunction.kubelambda.io "one" is forbidden: '
        'spec.functionName: Forbidden: "mine": policy names wants names that begin with team-blue-; '
        "write team-blue-mine"
    )
    cluster.apply(function("one", namespace))
    assert spec(cluster, "one", namespace)["functionName"] == "team-blue-one"


def test_a_policy_that_says_prepend_changes_the_name_and_does_so_once(cluster, namespace, policies):
    policies(policy("names", namespace, functionName={"prefix": "p-", "whenMissing": "Prepend"}))
    declared = function("one", namespace, functionName="mine")
    cluster.apply(declared)
    assert spec(cluster, "one", namespace)["functionName"] == "p-mine"
    policies(policy("names", namespace, functionName={"prefix": "q-", "whenMissing": "Prepend"}))
    cluster.apply({**declared, "spec": {**declared["spec"], "timeout": 7}})
    assert spec(cluster, "one", namespace)["functionName"] == "p-mine"
    assert spec(cluster, "one", namespace)["timeout"] == 7


# What is refused, to the letter


IMAGE = {
    "packageType": "Image",
    "code": {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"},
    "runtime": None,
    "handler": None,
}
FORBIDDEN = {
    "a runtime": (
        {"allow": {"runtimes": ["nodejs*", "python3.1?"]}},
        {"runtime": "ruby3.4"},
        'spec.runtime: Forbidden: "ruby3.4": policy p allows only nodejs*, python3.1?',
    ),
    "a region": (
        {"allow": {"regions": ["eu-*"]}},
        {},
        'spec.region: Forbidden: "us-east-1": policy p allows only eu-*',
    ),
    "a bucket": (
        {"allow": {"buckets": [{"name": "team-*"}]}},
        {},
        'spec.code.s3Bucket: Forbidden: "artifacts": policy p allows code only from the buckets team-*',
    ),
    "a key": (
        {"allow": {"buckets": [{"name": "art*", "keyPrefix": "blue/"}]}},
        {},
        'spec.code.s3Key: Forbidden: "app/1.zip": policy p allows code from the bucket artifacts only under '
        "keys that begin with blue/",
    ),
    "an image": (
        {"allow": {"images": ["*/team/*"]}},
        IMAGE,
        'spec.code.imageUri: Forbidden: "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1": policy p allows '
        "only */team/*",
    ),
    "an image instead of a bucket": (
        {"allow": {"buckets": [{"name": "artifacts"}]}},
        IMAGE,
        'spec.code.imageUri: Forbidden: "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1": policy p allows '
        "code only from the buckets artifacts, and no policy allows images; deploy from a bucket, or have an "
        "administrator add allow.images",
    ),
    "a role": (
        {"allow": {"roles": ["arn:aws:iam::123456789012:role/blue-*"]}},
        {},
        'spec.role: Forbidden: "arn:aws:iam::123456789012:role/fake": policy p allows only '
        "arn:aws:iam::123456789012:role/blue-*",
    ),
    "a layer": (
        {"allow": {"layerAccounts": ["111111111111"]}},
        {"layers": ["arn:aws:lambda:us-east-1:222222222222:layer:libs:1"]},
        'spec.layers[0]: Forbidden: "arn:aws:lambda:us-east-1:222222222222:layer:libs:1": policy p allows '
        "layers only of the accounts 111111111111",
    ),
    "memory": (
        {"allow": {"memorySize": {"max": 512}}},
        {"memorySize": 1024},
        "spec.memorySize: Forbidden: policy p allows at most 512, not 1024",
    ),
    "time": (
        {"allow": {"timeout": {"max": 30}}},
        {"timeout": 31},
        "spec.timeout: Forbidden: policy p allows at most 30, not 31",
    ),
    "tags": (
        {"require": {"tags": ["team", "cost"]}},
        {"tags": {"cost": "7"}},
        "spec.tags: Required value: policy p requires the tag team; add it",
    ),
    "a description": (
        {"require": {"description": True}},
        {},
        "spec.description: Required value: policy p requires a description; say what the function does",
    ),
    "a version": (
        {"require": {"objectVersion": True}},
        {},
        "spec.code.s3ObjectVersion: Required value: policy p requires the version of the object; write the "
        "VersionId that S3 answered to the upload",
    ),
    "a key made from the content": (
        {"require": {"contentAddressedKey": True}},
        {},
        'spec.code.s3Key: Forbidden: "app/1.zip": policy p requires the archive\'s SHA-256 (64 hexadecimal '
        "digits) in the last part of the key; upload it under such a key",
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_a_policy_forbids_is_told_with_its_name(namespace, policies, refusal, case):
    rules, members, text = FORBIDDEN[case]
    policies(policy("p", namespace, **rules))
    phase = "validate" if "Required" in text else "mutate"
    assert refusal(function("one", namespace, **members)) == (
        f'Error from server (Forbidden): error when creating "STDIN": admission webhook '
        f'"{phase}.kubelambda.io" denied the request: LambdaFunction.kubelambda.io "one" is forbidden: {text}'
    )


def test_together_with_other_findings_all_come_in_one_answer(namespace, policies, refusal):
    policies(policy("p", namespace, allow={"timeout": {"max": 30}}))
    assert refusal(function("one", namespace, timeout=31, handler="a b")).splitlines() == [
        'The LambdaFunction "one" is invalid: ',
        '* spec.handler: Invalid value: "a b": must be without blanks, such as app.handler',
        "* spec.timeout: Forbidden: policy p allows at most 30, not 31",
    ]


def test_a_policy_that_only_warns_lets_pass_and_counts(cluster, namespace, policies):
    policies(policy("mild", namespace, enforcement="Warn", allow={"timeout": {"max": 30}}))
    result = cluster.apply(function("long", namespace, timeout=31))
    assert result.stderr == "Warning: spec.timeout: policy mild allows at most 30, not 31\n"
    cluster.apply(function("short", namespace))

    def counted():
        status = cluster.get("lambdapolicy", "mild").get("status", {})
        return status if status.get("functions") == 2 else None

    status = wait_for(counted, 10, "the count of functions")
    assert status["violations"] == 1 and status["observedGeneration"] == 1
    says = {one["type"]: (one["status"], one["reason"], one["message"]) for one in status["conditions"]}
    assert says["Ready"] == ("True", "InForce", "the policy is in force")
    broken = f"1 of 2 functions break it: {namespace}/long"
    assert says["Compliant"] == ("False", "Violations", broken)


def test_what_a_policy_forbids_since_is_a_warning_while_it_is_not_touched(cluster, namespace, policies, refusal):
    declared = function("early", namespace, timeout=31)
    cluster.apply(declared)
    policies(policy("late", namespace, allow={"timeout": {"max": 30}}))
    cluster.run("label", "lambdafunction", "early", "-n", namespace, "x=y")
    changed = {**declared, "spec": {**declared["spec"], "memorySize": 256}}
    assert cluster.apply(changed).stderr == "Warning: spec.timeout: policy late allows at most 30, not 31\n"
    changed["spec"]["timeout"] = 32
    assert "policy late allows at most 30, not 32" in refusal(changed)


def test_until_the_policies_have_been_read_no_function_passes(cluster, serve_with, namespace):
    rules = [one for one in cluster.get("clusterrole", "kubelambda")["rules"] if one["resources"] != ["lambdapolicies"]]
    unread = "the LambdaPolicies have not been read yet); try again"

    def apply():
        return cluster.apply(function("early", namespace, code={}), flags=["--dry-run=server"], check=False).stderr

    try:
        cluster.run("patch", "clusterrole", "kubelambda", "--type=merge", "-p", json.dumps({"rules": rules}))
        asked = ("auth", "can-i", "list", "lambdapolicies")
        wait_for(lambda: cluster.run(*asked, user="kubelambda", check=False).stdout.strip() == "no")
        serve = serve_with("--no-controller", ready=False)
        wait_for(lambda: unread in apply(), what="the refusal")
        assert not serve.is_ready()
    finally:
        cluster.apply_file("manifests/rbac.yaml")
    wait_for(serve.is_ready, 60)
    assert unread not in apply() and "spec.code" in apply()


def test_a_policy_is_in_force_within_a_second_and_so_is_its_end(cluster, namespace):
    path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions?dryRun=All"

    def refused():
        return cluster.request("POST", path, function("one", namespace, timeout=31))[0] == 403

    try:
        cluster.apply(policy("quick", namespace, allow={"timeout": {"max": 30}}))
        wait_for(refused, 1, "the policy in force")
        cluster.apply(policy("quick", namespace, allow={"timeout": {"max": 40}}))
        wait_for(lambda: not refused(), 1, "the changed policy in force")
        cluster.apply(policy("quick", namespace, allow={"timeout": {"max": 20}}))
        wait_for(refused, 1, "the policy changed back in force")
    finally:
        cluster.run("delete", "lambdapolicy", "quick")
    wait_for(lambda: not refused(), 1, "the end of the policy")


# Policies themselves


BAD = {
    "no glob": ({"allow": {"runtimes": ["python3.[89]"]}}, "spec.allow.runtimes[0]: Invalid value"),
    "a prefix that no name can have": (
        {"functionName": {"prefix": "prod."}},
        'spec.functionName.prefix: Invalid value: "prod.": must be letters, digits, hyphens and underscores',
    ),
    "an unknown value": ({"enforcement": "Maybe"}, 'spec.enforcement: Unsupported value: "Maybe"'),
    "an unknown relation": (
        {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]}},
        'spec.namespaceSelector.matchExpressions[0].operator: Unsupported value: "Like"',
    ),
    "no values to compare with": (
        {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
        "spec.namespaceSelector.matchExpressions[0].values: Required value: In needs at least one value",
    ),
    "a default that its own rule refuses": (
        {"defaults": {"runtime": "python3.13"}, "allow": {"runtimes": ["nodejs*"]}},
        'spec.defaults.runtime: Forbidden: "python3.13": allow.runtimes of the same policy allows only nodejs*',
    ),
    "a default beyond AWS's bounds": (
        {"defaults": {"memorySize": 64}},
        "spec.defaults.memorySize: Invalid value: 64: must be between 128 and ",
    ),
    "a tag that nobody can have": (
        {"require": {"tags": ["aws:x"]}},
        'spec.require.tags[0]: Forbidden: "aws:x": no function can have such a tag',
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_policy_is_refused(refusal, case):
    rules, text = BAD[case]
    said = refusal(policy("bad", **rules))
    assert said.startswith('The LambdaPolicy "bad" is invalid: ' + text), said


def test_all_that_is_wrong_with_a_policy_is_told_at_once(refusal):
    said = refusal(
        policy(
            "bad",
            enforcement="Maybe",
            functionName={"prefix": "a b"},
            defaults={"timeout": 60},
            allow={"timeout": {"max": 30}, "regions": ["{eu,us}-*"]},
        )
    )
    assert [line.split(":")[0] for line in said.splitlines()[1:]] == [
        "* spec.enforcement",
        "* spec.functionName.prefix",
        "* spec.allow.regions[0]",
        "* spec.defaults.timeout",
    ], said


# The whole story


def test_one_set_of_manifests_gives_each_team_and_environment_its_own_functions(cluster, aws, policies):
    aws.upload(KEY)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = client("iam", aws.directory / "admin.env")
    for role in ("blue", "red"):
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    environments, teams = ("preview", "staging", "production"), ("blue", "red")
    cluster.apply(
        *[
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": f"{team}-{environment}",
                    "labels": {"kubelambda.io/environment": environment, "team": team},
                },
            }
            for team in teams
            for environment in environments
        ]
    )
    cluster.run("apply", "-f", ROOT / "manifests/policies")
    policies(
        *[
            policy(
                f"team-{team}",
                {"team": team},
                defaults={"tags": {"team": team}, "role": f"arn:aws:iam::123456789012:role/{team}"},
                allow={"roles": [f"arn:aws:iam::123456789012:role/{team}"]},
            )
            for team in teams
        ],
        *[
            policy(
                f"names-{team}-{environment}",
                {"team": team, "kubelambda.io/environment": environment},
                priority=5,
                functionName={"prefix": f"{team}-{environment}-"},
            )
            for team in teams
            for environment in environments
        ],
    )
    manifest = function("fake-function", "default", code={"s3Bucket": "artifacts", "s3Key": KEY}, role=None)
    del manifest["metadata"]["namespace"]
    try:
        for team in teams:
            for environment in environments:
                where = f"{team}-{environment}"
                cluster.run("apply", "-n", where, "-f", "-", stdin=json.dumps(manifest))
        for team in teams:
            for environment in environments:
                where = f"{team}-{environment}"
                settled(cluster, "fake-function", where)
                got = aws.function(f"{team}-{environment}-fake-function")
                level = {"preview": "debug", "staging": "info", "production": "warning"}[environment]
                assert got["Configuration"]["Role"] == f"arn:aws:iam::123456789012:role/{team}"
                assert got["Configuration"]["Environment"]["Variables"] == {"LOG_LEVEL": level}
                assert (got["Tags"]["team"], got["Tags"]["environment"]) == (team, environment)
    finally:
        cluster.run("delete", "-f", ROOT / "manifests/policies")
        for team in teams:
            for environment in environments:
                cluster.run("delete", "lambdafunctions", "--all", "--wait=false", "-n", f"{team}-{environment}")
