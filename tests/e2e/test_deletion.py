"""Deletion in every difficult setting: a namespace that goes, with the real namespace controller; AWS or the webhook
away, permission missing; what is retained, suspended or protected. On the scripted AWS."""

import json
import re
import subprocess

import pytest
from harness import (
    KUBE_BIN,
    conditions,
    die_with_parent,
    function,
    settled,
    wait_for,
)

pytestmark = pytest.mark.scripted_aws

OWNER = "kubelambda.io/owner"


@pytest.fixture(scope="module", autouse=True)
def namespaces_go(cluster, tmp_path_factory):
    """The real controller of namespaces, which the cluster of the other tests does without."""
    log = tmp_path_factory.mktemp("controllers") / "log"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [
                KUBE_BIN / "kube-controller-manager", "--kubeconfig", cluster.config("admin"), "--secure-port=0",
                "--leader-elect=false", "--controllers=namespace-controller",
            ],
            env={"HOME": str(log.parent)}, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            preexec_fn=die_with_parent,
        )  # fmt: skip
    yield
    assert process.poll() is None, log.read_text(encoding="utf-8")
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def no_functions_stay(aws):
    yield
    aws.as_usual()
    for one in aws.functions.list_functions()["Functions"]:
        aws.functions.delete_function(FunctionName=one["FunctionName"])


def made(cluster, namespace, *names, **spec):
    cluster.apply(*(function(name, namespace, **spec) for name in names))
    for name in names:
        settled(cluster, name, namespace)


def delete_namespace(cluster, namespace):
    cluster.run("delete", "namespace", namespace, "--wait=false")


def gone(cluster, namespace):
    wait_for(lambda: cluster.get("namespace", namespace) is None, 60, what="the namespace being gone")


def in_aws(aws, *names):
    return [name for name in names if aws.function(f"preview-{name}")]


def why_kept(cluster, namespace, reason, name="app"):
    """The message, once the status says that the resource is kept for that reason."""

    def look():
        resource = cluster.functions(namespace)[name]
        found = conditions(resource).get("Ready", ("", "", ""))
        return found[2] if "deletionTimestamp" in resource["metadata"] and found[1] == reason else None

    return wait_for(look, 30, what=f"the status saying {reason}")


def way_out(message):
    """The command in the message, run as a person would."""
    patch = re.search(r"kubectl -n (\S+) patch lambdafunction (\S+) --type merge -p '(.+)'", message)
    assert patch, message
    return ["-n", patch[1], "patch", "lambdafunction", patch[2], "--type", "merge", "-p", patch[3]]


def test_a_namespace_takes_its_functions_along_but_for_those_that_are_kept(cluster, aws, serve, namespace):
    made(cluster, namespace, "one", "two")
    made(cluster, namespace, "kept", deletionPolicy="Retain")
    made(cluster, namespace, "resting")
    cluster.run("patch", "lf", "resting", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": {"suspend": True}}))
    delete_namespace(cluster, namespace)
    gone(cluster, namespace)
    assert in_aws(aws, "one", "two", "kept", "resting") == ["kept", "resting"]
    assert not [name for name in ("kept", "resting") if OWNER in aws.function(f"preview-{name}").get("Tags", {})]


def test_protected_functions_stay_when_their_namespace_goes_and_the_policy_tells(cluster, aws, serve, namespace):
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    cluster.apply({
        "apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": "keeps"},
        "spec": {"namespaceSelector": selector, "deletionProtection": True},
    })  # fmt: skip
    made(cluster, namespace, "app")
    delete_namespace(cluster, namespace)
    gone(cluster, namespace)
    assert in_aws(aws, "app") == ["app"]
    wait_for(
        lambda: any(
            one["reason"] == "Retained" and "preview-app" in one["message"]
            for one in cluster.request("GET", "/api/v1/namespaces/default/events")[1]["items"]
        ),
        what="the event",
    )
    cluster.run("delete", "lambdapolicy", "keeps")


def test_while_aws_is_down_a_namespace_waits_and_goes_when_it_is_back(cluster, aws, serve, namespace):
    made(cluster, namespace, "app")
    aws.rule("*", status=503, html="<html>no upstream</html>")
    delete_namespace(cluster, namespace)
    assert way_out(why_kept(cluster, namespace, "AwsUnavailable"))
    wait_for(lambda: "NamespaceFinalizersRemaining" in json.dumps(cluster.get("namespace", namespace)["status"]))
    aws.rules_off()
    gone(cluster, namespace)
    assert in_aws(aws, "app") == []


def test_without_the_permission_the_message_names_it_and_the_way_out_works(cluster, aws, serve, namespace):
    made(cluster, namespace, "app")
    aws.settings(denied={"kubelambda": ["DeleteFunction"]})
    delete_namespace(cluster, namespace)
    message = why_kept(cluster, namespace, "AccessDenied")
    assert "allow lambda:DeleteFunction" in message
    cluster.run(*way_out(message))
    gone(cluster, namespace)
    assert in_aws(aws, "app") == ["app"]


def test_while_the_webhook_is_down_a_namespace_waits_and_goes_when_it_is_back(cluster, aws, serve, namespace):
    made(cluster, namespace, "app")
    serve.kill()
    try:
        delete_namespace(cluster, namespace)
        wait_for(
            lambda: "failed calling webhook" in json.dumps(cluster.get("namespace", namespace)["status"]),
            60,
            what="the namespace saying why it stays",
        )
        assert in_aws(aws, "app") == ["app"]
    finally:
        serve.start()
    gone(cluster, namespace)
    assert in_aws(aws, "app") == []


def test_with_everything_down_a_namespace_can_still_be_let_go(cluster, aws, serve, namespace):
    made(cluster, namespace, "app")
    serve.kill()
    try:
        cluster.run("delete", "validatingwebhookconfiguration,mutatingwebhookconfiguration", "kubelambda")
        delete_namespace(cluster, namespace)
        wait_for(lambda: "deletionTimestamp" in cluster.functions(namespace)["app"]["metadata"])
        cluster.run("-n", namespace, "patch", "lambdafunction", "app", "--type", "merge", "-p", '{"metadata":{"finalizers":null}}')
        gone(cluster, namespace)
    finally:
        serve.start()
    assert in_aws(aws, "app") == ["app"]
