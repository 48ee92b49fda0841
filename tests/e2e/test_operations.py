"""Every way in which a LambdaFunction is made, changed and deleted, through kubectl on a real API server."""

import json
import os
import re
import time

import pytest
from harness import KUBE_BIN, conditions, function, settled, wait_for

RESYNC = 1  # seconds
pytestmark = pytest.mark.serve("--resync", f"{RESYNC}s")


@pytest.fixture(scope="module", autouse=True)
def serve(aws, serve):
    aws.upload("app/2.zip", "print('two')\n")
    return serve


def gone(cluster, name, namespace):
    wait_for(lambda: cluster.get("lf", name, namespace) is None, what=f"{namespace}/{name} being gone")


def generation(cluster, name, namespace):
    return cluster.get("lf", name, namespace)["metadata"]["generation"]


# Names in use


def test_a_name_that_a_resource_of_another_namespace_holds_is_refused_naming_it(cluster, namespace):
    other = cluster.namespace(f"{namespace}-other")
    cluster.apply(function("first", namespace, functionName="held"))
    settled(cluster, "first", namespace)
    refusal = cluster.apply(function("second", other, functionName="held"), check=False)
    assert refusal.returncode == 1
    assert (
        'spec.functionName: Invalid value: "held": is used by the LambdaFunction '
        f"{namespace}/first in this account and region; choose another name"
    ) in refusal.stderr

    elsewhere = function("second", other, functionName="held", role="arn:aws:iam::210987654321:role/fake")
    cluster.apply(elsewhere, flags=["--dry-run=server"])

    cluster.run("delete", "lf", "first", "-n", namespace)
    wait_for(
        lambda: cluster.apply(function("second", other, functionName="held"), check=False).returncode == 0,
        what="the name being free again",
    )
    cluster.run("delete", "lf", "second", "-n", other)


def test_a_resource_that_is_being_deleted_still_holds_its_name(cluster, namespace):
    manifest = function("first", namespace, functionName="still-held")
    manifest["metadata"]["finalizers"] = ["example.com/waits"]
    cluster.apply(manifest)
    settled(cluster, "first", namespace)
    cluster.run("delete", "lf", "first", "-n", namespace, "--wait=false")
    refusal = cluster.apply(function("second", namespace, functionName="still-held"), check=False)
    assert f"is used by the LambdaFunction {namespace}/first" in refusal.stderr
    # Whatever becomes of it, finalizers come off.
    cluster.run("patch", "lf", "first", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    gone(cluster, "first", namespace)


def test_many_creations_of_one_name_at_once_make_one_function(cluster, aws, namespace):
    """Those that the webhook lets pass within the same moment are told apart by the owner tag."""
    manifests = [function(f"racer-{number}", namespace, functionName="raced") for number in range(6)]
    cluster.apply(*manifests, check=False)
    wait_for(
        lambda: sum(
            conditions(one).get("Ready", ("",))[0] == "True" for one in cluster.functions(namespace).values()
        ) == 1,
        what="one of them being in force",
    )  # fmt: skip
    winner = aws.function("raced")["Tags"]["kubelambda.io/owner"].split("/")[-1]
    for name, resource in cluster.functions(namespace).items():
        if name != winner:
            assert conditions(settled(cluster, name, namespace, "Stalled"))["Stalled"][1] in (
                "OwnedByAnother", "AlreadyExists",
            )  # fmt: skip
            assert resource["spec"]["functionName"] == "raced"


# Deletion


def test_a_namespace_that_is_deleted_takes_its_functions_with_it(cluster, aws):
    name = cluster.namespace("goes-away")
    cluster.apply(function("app", name, functionName="goes-with-its-namespace"))
    settled(cluster, "app", name)
    cluster.run("delete", "namespace", name, "--wait=false")
    # The controller of namespaces is no part of the API server alone: its deletions are made here.
    cluster.run("delete", "lf", "--all", "-n", name, "--wait=false")
    gone(cluster, "app", name)
    assert aws.function("goes-with-its-namespace") is None


def test_a_function_to_be_retained_stays_in_aws_without_our_tag(cluster, aws, namespace):
    cluster.apply(function("app", namespace, deletionPolicy="Retain", tags={"team": "a"}))
    settled(cluster, "app", namespace)
    cluster.run("delete", "lf", "app", "-n", namespace)
    gone(cluster, "app", namespace)
    assert aws.function("preview-app")["Tags"] == {"team": "a"}
    aws.functions.delete_function(FunctionName="preview-app")


def test_the_deletion_policy_can_be_changed_whatever_else_is_wrong(cluster, aws, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    for value in ("Retain", "Delete"):
        patch = json.dumps({"spec": {"deletionPolicy": value}})
        cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", patch)
    refusal = cluster.run(
        "patch", "lf", "app", "-n", namespace, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Orphan"}}', check=False
    )
    assert "spec.deletionPolicy" in refusal.stderr and "Retain" in refusal.stderr
    cluster.run("delete", "lf", "app", "-n", namespace)
    gone(cluster, "app", namespace)
    assert aws.function("preview-app") is None


def test_protected_functions_are_deleted_only_with_their_namespace_and_stay_in_aws(cluster, aws):
    name = cluster.namespace("is-protected")
    selector = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    policy = {
        "apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": "protects"},
        "spec": {"namespaceSelector": selector, "deletionProtection": True},
    }  # fmt: skip
    cluster.apply(policy)
    cluster.apply(function("app", name))
    settled(cluster, "app", name)
    refusal = wait_for(
        lambda: cluster.run("delete", "lf", "app", "-n", name, "--dry-run=server", check=False).stderr,
        what="the policy being in force",
    )
    assert f"the LambdaPolicy protects protects the functions of the namespace {name} from deletion" in refusal
    refusal = cluster.run("delete", "lf", "--all", "-n", name, "--wait=false", check=False)
    assert refusal.returncode != 0 and "from deletion" in refusal.stderr
    cluster.run("delete", "namespace", name, "--wait=false")
    wait_for(
        lambda: cluster.run("delete", "lf", "app", "-n", name, "--wait=false", check=False).returncode == 0,
        what="the namespace being seen as one that goes",
    )
    gone(cluster, "app", name)
    assert "kubelambda.io/owner" not in aws.function("app").get("Tags", {})
    told = f"{name}/app goes with its namespace; the function app in us-east-1 stays in AWS"
    wait_for(lambda: told in cluster.run("describe", "lambdapolicy", "protects").stdout, what="the policy telling so")
    aws.functions.delete_function(FunctionName="app")
    cluster.run("delete", "lambdapolicy", "protects")


# Suspension


def test_while_suspended_nothing_is_written_to_aws(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, timeout=5))
    settled(cluster, "app", namespace)
    writes = serve.writes()
    cluster.apply(function("app", namespace, timeout=9, suspend=True))
    resource = settled(cluster, "app", namespace, "Reconciling")
    assert conditions(resource)["Ready"] == (
        "False", "Suspended", "nothing is written to AWS while spec.suspend is true",
    )  # fmt: skip
    time.sleep(2 * RESYNC)
    assert serve.writes() == writes
    assert aws.function("preview-app")["Configuration"]["Timeout"] == 5

    cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Configuration"]["Timeout"] == 9


def test_a_function_that_is_born_suspended_is_not_created_and_its_resource_can_go(cluster, aws, namespace):
    cluster.apply(function("app", namespace, suspend=True))
    settled(cluster, "app", namespace, "Reconciling")
    assert aws.function("preview-app") is None
    cluster.run("delete", "lf", "app", "-n", namespace)
    gone(cluster, "app", namespace)


def test_the_deletion_of_a_suspended_resource_leaves_the_function(cluster, aws, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    settled(cluster, "app", namespace, "Reconciling")
    cluster.run("delete", "lf", "app", "-n", namespace)
    gone(cluster, "app", namespace)
    assert "kubelambda.io/owner" not in aws.function("preview-app").get("Tags", {})
    aws.functions.delete_function(FunctionName="preview-app")


# Dry run


def test_a_dry_run_says_what_applying_would_do_and_leaves_nothing_behind(cluster, aws, serve, namespace):
    def dry(**spec):
        return cluster.apply(function("app", namespace, **spec), flags=["--dry-run=server"], check=False)

    assert "Warning: spec: applying this creates the function preview-app\n" in dry().stderr
    assert cluster.get("lf", "app", namespace) is None
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    writes = serve.writes()
    assert dry().stderr == ""
    other = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
    assert "Warning: spec: applying this deploys new code; changes memorySize, timeout\n" in dry(
        code=other, memorySize=512, timeout=9
    ).stderr
    assert "applying this changes tags" in dry(tags={"a": "b"}).stderr
    refusal = dry(runtime="python2.7")
    assert refusal.returncode == 1 and "spec.runtime: Unsupported value" in refusal.stderr
    time.sleep(2 * RESYNC)
    assert serve.writes() == writes
    assert settled(cluster, "app", namespace)["spec"]["code"]["s3Key"] == "app/1.zip"


def test_a_dry_run_sees_that_another_key_has_the_same_content(cluster, aws, namespace):
    aws.upload("app/1-again.zip")
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    again = function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": "app/1-again.zip"})
    assert (
        "Warning: spec: applying this changes nothing in AWS: the code has the same content\n"
        in cluster.apply(again, flags=["--dry-run=server"]).stderr
    )


def test_an_artifact_in_an_archive_is_refused_saying_what_to_do(cluster, aws, namespace):
    aws.objects.put_object(Bucket="artifacts", Key="frozen.zip", Body=b"PK", StorageClass="GLACIER")
    frozen = function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": "frozen.zip"})
    assert (
        'spec.code.s3Key: Invalid value: "frozen.zip": Lambda cannot read it from the storage class GLACIER; '
        "restore it, or upload it again as STANDARD"
    ) in cluster.apply(frozen, check=False).stderr
    aws.objects.put_object(Bucket="artifacts", Key="empty.zip", Body=b"")
    empty = function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": "empty.zip"})
    assert "the object is empty" in cluster.apply(empty, flags=["--dry-run=server"]).stderr


# The ways of kubectl


def test_applying_the_same_again_changes_nothing_in_any_way(cluster, serve, namespace):
    manifest = function("app", namespace, environment={"variables": {"LEVEL": "info"}}, tags={"a": "b"})
    cluster.apply(manifest)
    settled(cluster, "app", namespace)
    before, writes = cluster.get("lf", "app", namespace), serve.writes()
    assert "unchanged" in cluster.apply(manifest).stdout
    assert cluster.run("diff", "-f", "-", stdin=json.dumps(manifest), check=False).returncode == 0
    cluster.apply(manifest, flags=["--server-side", "--force-conflicts"])
    assert generation(cluster, "app", namespace) == before["metadata"]["generation"]
    assert cluster.get("lf", "app", namespace)["spec"] == before["spec"]
    assert serve.writes() == writes


def test_a_replacement_keeps_what_was_filled_in(cluster, namespace):
    manifest = function("app", namespace)
    cluster.apply(manifest)
    settled(cluster, "app", namespace)
    before = cluster.get("lf", "app", namespace)
    cluster.replace(manifest)
    after = cluster.get("lf", "app", namespace)
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], before["metadata"]["generation"])
    cluster.replace(function("app", namespace, timeout=9))
    assert settled(cluster, "app", namespace)["spec"] == {**before["spec"], "timeout": 9}


def test_two_managers_that_apply_different_fields_never_conflict(cluster, namespace):
    whole = function("app", namespace)
    part = {**whole, "spec": {"timeout": 9}}
    one, two = (["--server-side", f"--field-manager={name}"] for name in ("one", "two"))
    cluster.apply(whole, flags=one)
    settled(cluster, "app", namespace)
    cluster.apply(part, flags=two)
    settled(cluster, "app", namespace)
    at = generation(cluster, "app", namespace)
    for _ in range(2):
        cluster.apply(whole, flags=one)
        cluster.apply(part, flags=two)
    assert generation(cluster, "app", namespace) == at
    assert cluster.get("lf", "app", namespace)["spec"]["timeout"] == 9


def test_an_edit_without_a_change_and_one_with_a_mistake(cluster, namespace, tmp_path):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    at = generation(cluster, "app", namespace)

    def edit(command):
        import subprocess

        return subprocess.run(
            [KUBE_BIN / "kubectl", "--kubeconfig", cluster.config("admin"), "edit", "lf", "app", "-n", namespace],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBE_EDITOR": command},
            stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    assert "no changes made" in edit("true").stderr
    # After a refusal kubectl opens the editor again, with what was wrong above the text.
    editor, seen = tmp_path / "editor", tmp_path / "seen"
    editor.write_text(f'#!/bin/sh\ncat "$1" >>{seen}\nexec sed -i s/python3.13/python2.7/ "$1"\n')
    editor.chmod(0o755)
    assert edit(str(editor)).returncode != 0
    assert "AWS refuses to create functions with it since 2021-07-15" in seen.read_text()
    assert generation(cluster, "app", namespace) == at
    assert "edited" in edit("sed -i s/python3.13/python3.14/").stdout
    assert settled(cluster, "app", namespace)["spec"]["runtime"] == "python3.14"


def test_labels_and_finalizers_change_while_the_webhook_is_down(cluster, serve, namespace):
    manifest = function("app", namespace)
    cluster.apply(manifest)
    settled(cluster, "app", namespace)
    at = generation(cluster, "app", namespace)
    assert serve.stop() == 0
    try:
        cluster.run("label", "lf", "app", "team=a", "-n", namespace)
        patch = '{"metadata":{"finalizers":["example.com/other"]}}'
        cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", patch)
        refused = cluster.apply(function("app", namespace, timeout=9), check=False)
        assert refused.returncode == 1 and re.search("failed calling webhook", refused.stderr)
    finally:
        serve.start()
    assert generation(cluster, "app", namespace) == at
    cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    settled(cluster, "app", namespace)
