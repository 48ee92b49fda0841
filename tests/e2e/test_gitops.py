"""Functions as Argo CD and Flux handle them: applied by the server under another field manager, again and again, and
watched until they are healthy."""

import json
import os
import subprocess
import threading

import pytest
from argocd import health, kstatus
from harness import KUBE_BIN, conditions, function, settled, wait_for

pytestmark = [pytest.mark.scripted_aws, pytest.mark.serve("--resync", "1s", "--cluster-id", "c1")]

ARGO, FLUX = "argocd-controller", "kustomize-controller"
PATH = "/apis/kubelambda.io/v1alpha1/namespaces/{}/lambdafunctions/{}"
AS = {"InProgress": {"Progressing", "Suspended"}, "Terminating": {"Progressing"}, "Failed": {"Degraded"}, "Current": {"Healthy"}}
EVERYTHING = {
    "description": "all the kinds of fields",
    "environment": {"variables": {"LOG_LEVEL": "info"}},
    "layers": ["arn:aws:lambda:us-east-1:123456789012:layer:b:2", "arn:aws:lambda:us-east-1:123456789012:layer:a:1"],
    "vpcConfig": {"subnetIds": ["subnet-0b", "subnet-0a"], "securityGroupIds": ["sg-0a"]},
    "loggingConfig": {"logFormat": "JSON"},
    "tags": {"team": "a"},
    "reservedConcurrency": 2,
    "asyncInvoke": {"maximumRetryAttempts": 1},
}
POLICY = {
    "environment": "gitops",
    "defaults": {"memorySize": 512, "tags": {"cost": "7"}, "environment": {"variables": {"REGION": "eu"}}},
}


@pytest.fixture
def governed(cluster, namespace):
    """The namespace, under a policy that fills in much."""
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    policy = {"apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": "gitops"}}
    cluster.apply({**policy, "spec": {**selector, **POLICY}})
    yield namespace
    cluster.run("delete", "lambdapolicy", "gitops")


def declared(namespace):
    return [function("plain", namespace), function("full", namespace, **EVERYTHING)]


def server_side(cluster, resource, manager, dry_run=False):
    """What the API server answers to a server-side apply, as both tools send it."""
    path = PATH.format(resource["metadata"]["namespace"], resource["metadata"]["name"])
    query = f"?fieldManager={manager}&force=true" + ("&dryRun=All" if dry_run else "")
    status, answer = cluster.request("PATCH", path + query, resource, "application/apply-patch+yaml")
    assert status in (200, 201), answer
    return answer


def without_managed_fields(resource):
    return {**resource, "metadata": {key: one for key, one in resource["metadata"].items() if key != "managedFields"}}


@pytest.mark.parametrize("manager", [ARGO, FLUX])
def test_what_is_applied_again_and_again_changes_nothing(cluster, aws, serve, governed, manager):
    for one in declared(governed):
        server_side(cluster, one, manager)
    live = {name: settled(cluster, name, governed) for name in ("plain", "full")}
    assert live["plain"]["spec"]["functionName"] == "gitops-plain" and live["plain"]["spec"]["memorySize"] == 512
    assert live["full"]["spec"]["tags"] == {"team": "a", "cost": "7"}
    mark = aws.mark()
    for _ in range(5):
        for one in declared(governed):
            was = live[one["metadata"]["name"]]
            # Argo CD's server-side diff and Flux's detection of drift: nothing would change, …
            assert without_managed_fields(server_side(cluster, one, manager, dry_run=True)) == without_managed_fields(was)
            # … and when it is applied all the same, nothing does: no generation, no other version, no status.
            assert server_side(cluster, one, manager)["metadata"]["resourceVersion"] == was["metadata"]["resourceVersion"]
    assert {name: one["metadata"]["resourceVersion"] for name, one in cluster.functions(governed).items()} == {
        name: one["metadata"]["resourceVersion"] for name, one in live.items()
    }
    assert not [one for one in aws.journal(since=mark) if one["method"] != "GET"]


def test_a_client_side_apply_and_diff_see_no_difference_either(cluster, serve, governed):
    documents = "\n---\n".join(map(json.dumps, declared(governed)))
    cluster.run("apply", "-f", "-", stdin=documents)
    for name in ("plain", "full"):
        settled(cluster, name, governed)
    assert cluster.run("diff", "-f", "-", stdin=documents).stdout == ""
    again = cluster.run("apply", "-f", "-", stdin=documents)
    assert [line.split()[-1] for line in again.stdout.splitlines()] == ["unchanged", "unchanged"]


def test_what_somebody_changed_by_hand_is_put_back_by_the_tool(cluster, aws, serve, governed):
    wanted = declared(governed)[1]
    server_side(cluster, wanted, ARGO)
    before = settled(cluster, "full", governed)
    cluster.run("patch", "lambdafunction", "full", "-n", governed, "--type=merge", "-p", '{"spec": {"description": "x"}}')
    settled(cluster, "full", governed)
    assert server_side(cluster, wanted, ARGO, dry_run=True)["spec"] == before["spec"]
    server_side(cluster, wanted, ARGO)
    assert settled(cluster, "full", governed)["spec"] == before["spec"]
    assert aws.function("gitops-full")["Configuration"]["Description"] == EVERYTHING["description"]


class Watch:
    """Every version of the functions of a namespace that the API server tells."""

    def __init__(self, cluster, namespace):
        command = [KUBE_BIN / "kubectl", "--kubeconfig", cluster.config("admin"), "get", "lambdafunctions", "-n", namespace]
        env = {"PATH": os.environ["PATH"], "HOME": str(cluster.directory)}
        self.process = subprocess.Popen([*command, "-w", "-o", "json"], stdout=subprocess.PIPE, text=True, env=env)
        self.seen = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        text = ""
        for line in self.process.stdout:
            text += line
            if line == "}\n":
                self.seen.append(json.loads(text))
                text = ""

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.thread.join(10)
        return self.seen


def go_through_all_states(cluster, aws, namespace):
    """Created slowly, changed, refused by AWS, mended, suspended, resumed, drifted, deleted slowly."""
    aws.settings(pending_ms=300, update_ms=300)
    one = function("app", namespace)
    server_side(cluster, one, FLUX)
    settled(cluster, "app", namespace)
    one["spec"]["code"]["s3Key"] = "app/2.zip"
    server_side(cluster, one, FLUX)
    settled(cluster, "app", namespace)
    aws.rule("UpdateFunctionConfiguration", times=1, fail={"code": "InvalidSubnet", "reason": "No such subnet"})
    one["spec"]["memorySize"] = 256
    server_side(cluster, one, FLUX)
    settled(cluster, "app", namespace, "Stalled")
    one["spec"]["memorySize"] = 512
    server_side(cluster, one, FLUX)
    settled(cluster, "app", namespace)
    one["spec"]["suspend"] = True
    server_side(cluster, one, FLUX)
    settled(cluster, "app", namespace, "Reconciling")
    one["spec"]["suspend"] = False
    server_side(cluster, one, FLUX)
    settled(cluster, "app", namespace)
    rule = aws.rule("DeleteFunction", hold=True)
    cluster.run("delete", "lambdafunction", "app", "-n", namespace, "--wait=false")
    wait_for(lambda: aws.hits(rule), what="the deletion")
    aws.release(rule)
    wait_for(lambda: "app" not in cluster.functions(namespace), what="the end of the resource")


def test_in_every_state_argo_cds_health_is_what_kstatus_says(cluster, aws, serve, namespace):
    watch = Watch(cluster, namespace)
    try:
        go_through_all_states(cluster, aws, namespace)
    finally:
        seen = watch.stop()
    met, told = set(), {}
    for resource in seen:
        status, message = health(resource)
        assert status in AS[kstatus(resource)], (status, message, resource)
        met.add((kstatus(resource), status))
        told.setdefault(resource["metadata"]["generation"], []).append(status)
        if status == "Healthy":
            assert conditions(resource)["Ready"][0] == "True"
            assert resource["status"]["observedGeneration"] == resource["metadata"]["generation"]
    assert met == {
        ("InProgress", "Progressing"), ("InProgress", "Suspended"), ("Current", "Healthy"), ("Failed", "Degraded"),
        ("Terminating", "Progressing"),
    }  # fmt: skip
    # Healthy is never said of what is not in force yet: each generation begins with something else.
    assert all(one[0] != "Healthy" for one in told.values()), told


def test_kubectl_wait_and_the_health_agree_on_a_function_that_needs_a_person(cluster, aws, serve, namespace):
    code = {"S3Bucket": "artifacts", "S3Key": "app/1.zip"}
    aws.functions.create_function(
        FunctionName="preview-there", Code=code, Runtime="python3.13", Handler="app.handler",
        Role="arn:aws:iam::123456789012:role/fake",
    )  # fmt: skip
    server_side(cluster, function("there", namespace), ARGO)
    resource = settled(cluster, "there", namespace, "Stalled")
    status, message = health(resource)
    assert (status, kstatus(resource)) == ("Degraded", "Failed")
    assert message.startswith("AlreadyExists: ") and "adoptionPolicy: Adopt" in message
    cluster.run("wait", "--for=condition=Stalled", "lambdafunction/there", "-n", namespace, "--timeout=5s")
