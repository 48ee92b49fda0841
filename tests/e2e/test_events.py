"""What `kubectl describe` shows of a function's life. On the scripted AWS."""

import json

import pytest
from asking import Webhook, create, review
from harness import function, settled, wait_for

pytestmark = pytest.mark.scripted_aws

RESYNC = 1  # seconds


def told(cluster, namespace, reason):
    """The newest event of that reason: type and message. None: there is none."""
    found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]
    found = [one for one in found if one["reason"] == reason and one["involvedObject"]["kind"] == "LambdaFunction"]
    found.sort(key=lambda one: one["lastTimestamp"])
    return (found[-1]["type"], found[-1]["message"]) if found else None


def wait_told(cluster, namespace, reason):
    return wait_for(lambda: told(cluster, namespace, reason), what=f"an event {reason}")


def made(cluster, namespace, **spec):
    cluster.apply(function("app", namespace, **spec))
    return settled(cluster, "app", namespace)


def test_a_life_is_told_and_described(cluster, aws, serve, namespace):
    made(cluster, namespace)
    assert wait_told(cluster, namespace, "Created") == (
        "Normal", "preview-app in us-east-1: creates the function, from app/1.zip",
    )  # fmt: skip
    made(cluster, namespace, code={"s3Bucket": "artifacts", "s3Key": "app/2.zip"}, memorySize=512)
    assert wait_told(cluster, namespace, "CodeDeployed") == (
        "Normal", "preview-app in us-east-1: deploys new code, from app/2.zip",
    )  # fmt: skip
    assert wait_told(cluster, namespace, "ConfigurationUpdated") == (
        "Normal", "preview-app in us-east-1: changes memorySize",
    )  # fmt: skip
    made(cluster, namespace, memorySize=512)
    kind, message = wait_told(cluster, namespace, "RolledBack")
    assert kind == "Normal"
    assert message.startswith("preview-app in us-east-1: deploys new code, from app/1.zip, as of 20")
    described = cluster.run("describe", "lf", "app", "-n", namespace).stdout
    assert "Created" in described and "creates the function, from app/1.zip" in described
    cluster.run("delete", "lf", "app", "-n", namespace)
    assert wait_told(cluster, namespace, "Deleted") == (
        "Normal", "preview-app in us-east-1: deletes the function",
    )  # fmt: skip


def test_what_stalls_warns_once_with_the_reason(cluster, aws, serve_with, namespace):
    serve = serve_with("--resync", f"{RESYNC}s")
    aws.rule("UpdateFunctionConfiguration", status=400, code="InvalidParameterValueException", message="No, no.")
    made(cluster, namespace)
    cluster.apply(function("app", namespace, memorySize=512))
    settled(cluster, "app", namespace, "Stalled")
    kind, message = wait_told(cluster, namespace, "InvalidParameterValueException")
    assert kind == "Warning" and "No, no." in message
    tries = serve.calls("UpdateFunctionConfiguration")
    wait_for(lambda: serve.calls("UpdateFunctionConfiguration") > tries, what="another try")
    events = cluster.request("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]
    assert [one["count"] for one in events if one["type"] == "Warning"] == [1]


def test_what_differs_in_aws_is_told_when_it_is_put_right_and_when_it_is_left(cluster, aws, serve_with, namespace):
    serve_with("--resync", f"{RESYNC}s")
    made(cluster, namespace, memorySize=256)
    aws.functions.update_function_configuration(FunctionName="preview-app", MemorySize=300)
    assert wait_told(cluster, namespace, "DriftCorrected") == (
        "Normal", "preview-app in us-east-1: changes memorySize",
    )  # fmt: skip
    made(cluster, namespace, memorySize=256, driftPolicy="Report")
    aws.functions.update_function_configuration(FunctionName="preview-app", MemorySize=300)
    assert wait_told(cluster, namespace, "Drifted") == (
        "Warning", "AWS was changed and driftPolicy: Report leaves it so: memorySize",
    )  # fmt: skip


def test_an_adoption_and_a_function_that_is_left_behind_are_told(cluster, aws, serve, namespace):
    aws.functions.create_function(
        FunctionName="preview-app", Role="arn:aws:iam::123456789012:role/fake", Runtime="python3.13",
        Handler="app.handler", Code={"S3Bucket": "artifacts", "S3Key": "app/1.zip"},
    )  # fmt: skip
    made(cluster, namespace, adoptionPolicy="Adopt", deletionPolicy="Retain")
    assert wait_told(cluster, namespace, "Adopted") == (
        "Normal", "preview-app in us-east-1: takes the function over",
    )  # fmt: skip
    cluster.run("delete", "lf", "app", "-n", namespace)
    assert wait_told(cluster, namespace, "Retained")[1].endswith("leaves the function behind, without the owner's tag")
    aws.functions.delete_function(FunctionName="preview-app")


def test_a_deletion_that_is_refused_is_told_but_no_dry_run_and_nothing_made_up(cluster, aws, serve, namespace):
    made(cluster, namespace)
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    cluster.apply({
        "apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": "protects-app"},
        "spec": {"namespaceSelector": selector, "deletionProtection": True},
    })  # fmt: skip
    refused = ("delete", "lf", "app", "-n", namespace, "--wait=false")
    wait_for(lambda: cluster.run(*refused, "--dry-run=server", check=False).returncode != 0)
    assert told(cluster, namespace, "DeletionRefused") is None
    made_up = function("made-up", namespace)  # by somebody who is not the API server
    deletion = create(made_up, operation="DELETE", object=None, oldObject=made_up)
    assert '"allowed":false' in Webhook(cluster, serve.port).send(json.dumps(review(deletion)))[1]
    assert cluster.run(*refused, check=False).returncode != 0
    kind, message = wait_told(cluster, namespace, "DeletionRefused")
    assert kind == "Warning" and "the LambdaPolicy protects-app protects" in message
    events = cluster.request("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]
    assert not [one for one in events if one["involvedObject"]["name"] == "made-up"]
    cluster.run("delete", "lambdapolicy", "protects-app")


def test_a_deletion_that_cannot_go_on_is_told_with_the_way_out(cluster, aws, serve, namespace):
    made(cluster, namespace)
    aws.settings(denied={"kubelambda": ["DeleteFunction"]})
    cluster.run("delete", "lf", "app", "-n", namespace, "--wait=false")
    kind, message = wait_told(cluster, namespace, "AccessDenied")
    assert kind == "Warning" and "allow lambda:DeleteFunction" in message and "finalizers" in message
    aws.settings(denied={})
    wait_for(lambda: not cluster.functions(namespace), what="the resource being gone")


def test_without_the_right_to_events_everything_goes_on(cluster, aws, serve, namespace):
    role = cluster.get("clusterrole", "kubelambda")
    rules = [rule for rule in role["rules"] if rule["resources"] != ["events"]]
    failed = serve.metric("kubelambda_events_total", result="failed")
    try:
        cluster.run("patch", "clusterrole", "kubelambda", "--type=merge", "-p", json.dumps({"rules": rules}))
        asked = ("auth", "can-i", "patch", "events", "-n", namespace)
        wait_for(lambda: cluster.run(*asked, user="kubelambda", check=False).stdout.strip() == "no")
        made(cluster, namespace)
        wait_for(lambda: serve.metric("kubelambda_events_total", result="failed") > failed)
        assert told(cluster, namespace, "Created") is None
    finally:
        cluster.apply_file("manifests/rbac.yaml")
