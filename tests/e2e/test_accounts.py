"""Several AWS accounts from one cluster: a policy says which role reaches the functions of a namespace. On the
scripted AWS, which has as many accounts as roles name."""

import boto3
import pytest
from harness import client, conditions, function, settled, wait_for

pytestmark = pytest.mark.scripted_aws

OWN, OTHER = "123456789012", "210987654321"
CI = f"arn:aws:iam::{OTHER}:role/kubelambda"
ROLE = f"arn:aws:iam::{OTHER}:role/app"
RESYNC = 1  # seconds


@pytest.fixture
def searching(serve_with):
    return serve_with("--resync", f"{RESYNC}s")


@pytest.fixture
def policy(cluster, aws, namespace):
    """Puts the namespace's policy, with that role; None takes it away."""
    path = f"/apis/kubelambda.io/v1alpha1/lambdapolicies/{namespace}"

    def put(role):
        if role is None:
            assert cluster.request("DELETE", path)[0] == 200
            return
        selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        cluster.apply({
            "apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": namespace},
            "spec": {"namespaceSelector": selector, "aws": {"assumeRoleArn": role}},
        })  # fmt: skip

    put(CI)
    yield put
    aws.as_usual()
    put(CI)
    cluster.empty(namespace)
    put(None)


def accounts(aws, *operations, since=0):
    """In which accounts these were called."""
    return {one["account"] for one in aws.control("GET", f"journal?since={since}") if one["operation"] in operations and one["user"] == "kubelambda"}


def there(aws):
    """Somebody who works in the other account."""
    env = aws.env("admin")
    keys = client("sts", aws.directory / "admin.env").assume_role(RoleArn=CI, RoleSessionName="me")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], env["AWS_REGION"])
    return session.client("lambda", endpoint_url=env["AWS_ENDPOINT_URL"])


def made(cluster, namespace, name="app", **spec):
    cluster.apply(function(name, namespace, role=ROLE, **spec))
    return settled(cluster, name, namespace)


def state(cluster, namespace, condition, name="app"):
    return conditions(cluster.functions(namespace)[name]).get(condition, ("", "", ""))


def test_functions_live_in_the_account_of_their_namespaces_policy(cluster, aws, serve, namespace, policy):
    mark = aws.mark()
    resource = made(cluster, namespace)
    assert resource["status"]["functionArn"] == f"arn:aws:lambda:us-east-1:{OTHER}:function:preview-app"
    made(cluster, namespace, code={"s3Bucket": "artifacts", "s3Key": "app/2.zip"}, reservedConcurrency=1)
    assert accounts(aws, "CreateFunction", "GetFunction", "UpdateFunctionCode", "PutFunctionConcurrency", since=mark) == {OTHER}
    assert accounts(aws, "HeadObject", since=mark) == {OTHER}  # AWS reads the code with these permissions
    cluster.run("delete", "lf", "app", "-n", namespace, "--timeout=20s")
    assert accounts(aws, "DeleteFunction", since=mark) == {OTHER}
    assert serve.metric("kubelambda_aws_requests_total", operation="AssumeRole", code="200") == 1


def test_a_role_of_another_account_is_refused(cluster, aws, serve, namespace, policy):
    refused = cluster.apply(function("app", namespace), check=False)
    assert f"policy {namespace} keeps functions in the AWS account {OTHER}; write a role of that account" in refused.stderr


def test_drift_is_found_in_that_account(cluster, aws, searching, namespace, policy):
    for name in ("one", "two", "three"):
        made(cluster, namespace, name, memorySize=256)
    mark = aws.mark()
    there(aws).update_function_configuration(FunctionName="preview-two", MemorySize=512)
    wait_for(lambda: accounts(aws, "UpdateFunctionConfiguration", since=mark) == {OTHER}, what="the correction")
    assert accounts(aws, "ListFunctions", since=mark) == {OTHER}
    assert there(aws).get_function(FunctionName="preview-two")["Configuration"]["MemorySize"] == 256


def test_a_policy_that_moves_neither_makes_functions_anew_nor_lets_them_go(cluster, aws, serve, namespace, policy):
    made(cluster, namespace)
    mark = aws.mark()
    policy(None)
    stalled = wait_for(lambda: (found := state(cluster, namespace, "Stalled"))[1] == "WrongAccount" and found)
    assert f"credentials here are of the account {OWN}" in stalled[2] and "aws.assumeRoleArn" in stalled[2]
    cluster.run("delete", "lf", "app", "-n", namespace, "--wait=false")
    kept = wait_for(lambda: (found := state(cluster, namespace, "Ready"))[1] == "WrongAccount" and "finalizer" in found[2] and found)
    assert "kubectl" in kept[2]
    assert aws.journal(since=mark) == []
    policy(CI)
    wait_for(lambda: not cluster.functions(namespace), what="the resource being gone")
    assert accounts(aws, "DeleteFunction", since=mark) == {OTHER}


def test_a_policy_that_comes_after_the_functions_sets_them_going(cluster, aws, serve, namespace, policy):
    policy(None)
    wait_for(lambda: "keeps functions" not in cluster.apply(function("app", namespace), flags=("--dry-run=server",), check=False).stderr)
    cluster.apply(function("app", namespace, role=ROLE))
    wait_for(lambda: state(cluster, namespace, "Stalled")[1] == "WrongAccount")
    policy(CI)
    settled(cluster, "app", namespace)


def test_a_role_that_cannot_be_assumed_says_so(cluster, aws, serve, namespace, policy):
    closed = f"arn:aws:iam::{OTHER}:role/closed"
    aws.settings(roles={closed: {"not_assumable": True}})
    policy(closed)
    refused = {"operation": "AssumeRole", "code": "403"}
    wait_for(lambda: serve.metric("kubelambda_aws_requests_total", **refused) > 0, what="the policy being known")
    cluster.apply(function("app", namespace, role=ROLE))
    why, message = wait_for(lambda: (found := state(cluster, namespace, "Ready"))[1] == "CredentialsRejected" and found[1:])
    assert "is not authorized to perform: sts:AssumeRole" in message and closed in message


def test_a_role_is_assumed_by_a_wrong_clock(cluster, aws, serve, namespace, policy):
    aws.settings(clock_offset_s=3600)
    policy(f"arn:aws:iam::{OTHER}:role/clock")
    wait_for(lambda: serve.metric("kubelambda_aws_requests_total", operation="AssumeRole", code="403") > 0, what="the refusal")
    made(cluster, namespace)
