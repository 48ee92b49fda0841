"""Upgrades and downgrades: what the first release stored is understood by this one, what a newer one stores survives
this one, and two versions run side by side. KUBELAMBDA_OTHER names a binary of another version."""

import json
import os
import pathlib
import subprocess

import pytest
import yaml
from harness import BINARY, ROOT, Serve, conditions, function, settled, wait_for
from replicas import Installed

pytestmark = pytest.mark.scripted_aws

# What the first version that could be installed (7fa8e55) stored, and its CRDs. It ran with --cluster-id golden.
FIRST = ROOT / "tests/e2e/golden/upgrade"
CRDS = ("crd.yaml", "crd-lambdapolicies.yaml")
NAMESPACE = "upgraded"
# In CI the same sources, built otherwise; with a binary of the first version it was run by hand.
OTHER = pathlib.Path(os.environ.get("KUBELAMBDA_OTHER", ROOT / "build/kubelambda"))
STATUS = "/apis/kubelambda.io/v1alpha1/namespaces/{}/lambdafunctions/{}/status"


@pytest.fixture
def crds(cluster):
    """Puts other CRDs in their place; afterwards there are ours again."""

    def replace(folder):
        cluster.run("replace", *[f"-f{folder / name}" for name in CRDS])
        # For a moment the API server may serve neither.
        wait_for(lambda: cluster.request("GET", "/apis/kubelambda.io/v1alpha1/lambdafunctions")[0] == 200)

    yield replace
    replace(ROOT / "manifests")


@pytest.fixture
def first(cluster, aws, crds):
    """The cluster and AWS as the first version left them; the functions by name."""
    crds(FIRST)
    cluster.unhook()
    cluster.namespace(NAMESPACE, "preview")
    stored = json.loads((FIRST / "objects.json").read_text(encoding="utf-8"))
    cluster.apply(*({**one, "status": {}} for one in stored))
    for one in stored:
        kind = "lambdafunction" if "namespace" in one["metadata"] else "lambdapolicy"
        scope = ["-n", NAMESPACE] if kind == "lambdafunction" else []
        patch = json.dumps({"status": one["status"]})
        cluster.run("patch", kind, one["metadata"]["name"], *scope, "--subresource=status", "--type=merge", "-p", patch)
    functions = {one["metadata"]["name"]: one for one in stored if one["kind"] == "LambdaFunction"}
    for name, one in functions.items():
        put(aws, name, one["spec"])
    yield functions
    cluster.abandon(NAMESPACE)
    cluster.run("delete", "lambdapolicies", "--all")


def put(aws, name, spec):
    """What the first version had made of it in AWS."""
    code = {"S3Bucket": spec["code"]["s3Bucket"], "S3Key": spec["code"]["s3Key"]}
    named = {"FunctionName": spec["functionName"]}
    aws.functions.create_function(
        **named, Runtime=spec["runtime"], Handler=spec["handler"], Role=spec["role"], Code=code,
        MemorySize=spec.get("memorySize", 128), Description=spec.get("description", ""),
        Environment={"Variables": spec.get("environment", {}).get("variables", {})},
        Tags={**spec["tags"], "kubelambda.io/owner": f"golden/{NAMESPACE}/{name}"},
    )  # fmt: skip
    aws.functions.get_function(FunctionName=spec["functionName"])  # until then it is Pending
    if "asyncInvoke" in spec:
        aws.functions.put_function_event_invoke_config(**named, **{"MaximumRetryAttempts": 1})
        aws.functions.put_function_concurrency(**named, ReservedConcurrentExecutions=spec["reservedConcurrency"])


def test_what_the_first_version_stored_is_in_force_under_this_one(cluster, aws, crds, first, tmp_path):
    mark = aws.mark()
    crds(ROOT / "manifests")
    serve = Serve(cluster, aws.env(), tmp_path, "--cluster-id", "golden", "--resync", "1s")
    try:
        wait_for(lambda: serve.calls("GetFunction") + serve.calls("ListFunctions") > 4, what="looks at all")
        found = cluster.functions(NAMESPACE)
        for name, one in first.items():
            assert found[name]["spec"] == one["spec"] and conditions(found[name])["Ready"][1] == "InForce"
            assert found[name]["status"]["managed"] == one["status"]["managed"]
        assert {one["operation"][:3] for one in aws.journal(since=mark)} <= {"Get", "Lis"}, "nothing is written"

        # What it managed is cleared once it is removed, and its policy is in force.
        members = ("memorySize", "environment", "reservedConcurrency", "asyncInvoke", "description")
        gone = json.dumps({"spec": dict.fromkeys(members)})
        cluster.run("patch", "lf", "full", "-n", NAMESPACE, "--type=merge", "-p", gone)
        settled(cluster, "full", NAMESPACE)
        seen = aws.function("preview-full")
        assert seen["Configuration"]["MemorySize"] == 128 and seen["Configuration"]["Description"] == ""
        assert "Concurrency" not in seen and "Environment" not in seen["Configuration"]
        refused = cluster.apply(function("new", NAMESPACE, runtime="nodejs22.x"), check=False)
        assert "policy upgraded allows only python3.*" in refused.stderr
        cluster.empty(NAMESPACE)
        assert serve.stop() == 0
    finally:
        serve.kill()


# --- downgrades -----------------------------------------------------------------------------------


@pytest.fixture
def serve_in_the_future(cluster, aws, crds, namespace, tmp_path):
    """This version beside the CRD of a newer one, which has members of which it knows nothing."""
    crd = yaml.safe_load((ROOT / "manifests/crd.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for one in (schema["spec"], schema["status"], schema["spec"]["properties"]["loggingConfig"]):
        one["x-kubernetes-preserve-unknown-fields"] = True
    cluster.replace(crd)
    serve = Serve(cluster, aws.env(), tmp_path)
    try:
        yield serve
        cluster.empty(namespace)
        assert serve.stop() == 0
    finally:
        serve.kill()


def test_what_a_newer_version_stored_survives_this_one(cluster, serve_in_the_future, namespace):
    new = {"newMember": {"a": [1, {"b": 2}]}, "loggingConfig": {"logFormat": "JSON", "newLevel": "LOUD"}}
    remembered = ["newMember", "loggingConfig.newLevel"]
    # It is admitted as it is, and brought into force as far as this version knows it.
    cluster.apply(function("app", namespace, memorySize=256, **new))
    resource = settled(cluster, "app", namespace)
    status = {**resource["status"], "newMember": {"seen": 7}, "managed": [*resource["status"]["managed"], *remembered]}
    document = {"apiVersion": resource["apiVersion"], "kind": resource["kind"], "status": status}
    path = STATUS.format(namespace, "app") + "?fieldManager=kubelambda&force=true"  # as a newer controller writes it
    assert cluster.request("PATCH", path, document, "application/apply-patch+yaml")[0] == 200

    def kept():
        found = settled(cluster, "app", namespace)
        assert {key: found["spec"][key] for key in new} == new
        assert found["status"]["newMember"] == {"seen": 7} and set(remembered) <= set(found["status"]["managed"])
        return found

    for change in ({"memorySize": 512}, {"memorySize": None}, {"code": {"s3Key": "app/2.zip"}}):
        cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": change}))
        found = kept()
    assert "memorySize" not in found["status"]["managed"]
    back = [BINARY, "rollback", f"{namespace}/app", "--kubeconfig", cluster.config("admin")]
    subprocess.run(back, check=True, capture_output=True)
    assert kept()["spec"]["code"]["s3Key"] == "app/1.zip"


# --- side by side ---------------------------------------------------------------------------------


def test_replicas_of_two_versions_take_turns_and_no_call_is_lost(cluster, aws, namespace, tmp_path):
    installed = Installed(cluster, aws.env(), tmp_path)

    def change(**spec):
        cluster.apply(function("app", namespace, tags={"team": "blue"}, **spec))
        return settled(cluster, "app", namespace, seconds=60)

    try:
        leads = installed.start(controller=True, binary=OTHER)
        installed.admit(leads)
        wait_for(installed.right, what="the webhook")
        authority = installed.secret()["ca.crt"]
        with installed.load() as failed:
            change(memorySize=256, reservedConcurrency=1)
            for binary, size in ((BINARY, 512), (OTHER, 1024)):  # the upgrade, and back
                comes = installed.start(controller=True, binary=binary)
                installed.admit(comes)
                installed.retire(leads)
                leads = comes
                assert "tags.team" in change(memorySize=size)["status"]["managed"]
                seen = aws.function("preview-app")
                assert seen["Configuration"]["MemorySize"] == size and "Concurrency" not in seen
        assert failed == [] and installed.secret()["ca.crt"] == authority
        cluster.empty(namespace)
    finally:
        installed.stop()
