"""What docs/operating.md says about leaving and coming back: uninstalling, moving to another cluster, restoring from a
backup. No function is lost and none deployed twice. One API server is here the old cluster and then the new one."""

import json
import time

import pytest
from harness import INSTALLED, ROOT, Cluster, Serve, all_ready, conditions, function, settled, wait_for
from replicas import CONFIGURATIONS, Installed
from test_manifests import MANIFESTS, build

pytestmark = pytest.mark.scripted_aws

OWNER = "kubelambda.io/owner"
NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One of its own: everything that is installed in it is taken out."""
    one = Cluster(tmp_path_factory.mktemp("cluster"))
    yield one
    one.stop()


@pytest.fixture
def serving(cluster, aws, tmp_path):
    """Starts kubelambda in the cluster of that name; the one before it ends."""
    started = []

    def start(cluster_id):
        if started:
            assert started[-1].stop() == 0
        started.append(
            Serve(cluster, aws.env(), tmp_path / f"{len(started)}", "--cluster-id", cluster_id, "--resync", "1s")
        )
        return started[-1]

    yield start
    cluster.run("delete", "lambdafunctions", "--all", "-A", "--timeout=20s", check=False)
    assert started[-1].stop() == 0


def changed(aws, since):
    """What was really done; that there is a function already is found out by trying to create it."""
    sent = aws.journal(since=since)
    return [one for one in sent if one["status"] < 300 and not one["operation"].startswith(("Get", "List"))]


def take_away(cluster, namespace):
    """The resources are deleted while nobody answers for them; the functions stay."""
    for name in cluster.functions(namespace):
        patch = ("--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        cluster.run("patch", "lambdafunction", name, "-n", namespace, *patch)
    for path in CONFIGURATIONS:
        cluster.request("DELETE", path)
    cluster.run("delete", "lambdafunctions", "--all", "-n", namespace)


def manifests(namespace):
    return [function(name, namespace, timeout=9, tags={"team": "a"}) for name in NAMES]


def owners(aws):
    return {aws.function(f"preview-{name}")["Tags"][OWNER].split("/")[0] for name in NAMES}


def test_a_move_with_the_old_cluster_id_changes_nothing_in_aws(cluster, aws, serving, namespace):
    old = serving("old")
    cluster.apply(*manifests(namespace))
    all_ready(cluster, namespace, len(NAMES))
    assert old.stop() == 0
    take_away(cluster, namespace)
    mark = aws.mark()
    serving("old")
    cluster.apply(*manifests(namespace))
    all_ready(cluster, namespace, len(NAMES))
    time.sleep(2)  # of looking for drift
    assert changed(aws, mark) == [] and owners(aws) == {"old"}
    # And it is really theirs.
    cluster.apply(function("one", namespace, timeout=10, tags={"team": "a"}))
    settled(cluster, "one", namespace)
    assert [one["operation"] for one in changed(aws, mark)] == ["UpdateFunctionConfiguration"]


def test_a_backup_restored_under_another_cluster_id_waits_until_it_has_the_right_one(cluster, aws, serving, namespace):
    old = serving("old")
    cluster.apply(*manifests(namespace))
    all_ready(cluster, namespace, len(NAMES))
    backup = json.loads(cluster.run("get", "lambdafunctions", "-n", namespace, "-o", "json").stdout)["items"]
    assert old.stop() == 0
    take_away(cluster, namespace)
    mark = aws.mark()
    serving("new")
    for one in backup:  # what backup tools leave out
        one.pop("status")
        for member in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"):
            one["metadata"].pop(member, None)
    cluster.apply(*backup)
    for name in NAMES:
        stalled = settled(cluster, name, namespace, "Stalled")
        assert conditions(stalled)["Stalled"][1] == "OwnedByAnother"
        assert f"old/{namespace}/{name}" in conditions(stalled)["Stalled"][2]
    assert changed(aws, mark) == []
    serving("old")
    all_ready(cluster, namespace, len(NAMES))
    time.sleep(2)
    assert changed(aws, mark) == [] and owners(aws) == {"old"}


def test_a_single_function_is_handed_over_by_its_tag(cluster, aws, serving, namespace):
    serving("old")
    cluster.apply(function("one", namespace, deletionPolicy="Retain"))
    settled(cluster, "one", namespace)
    cluster.run("delete", "lambdafunction", "one", "-n", namespace)
    mark = aws.mark()
    serving("new")
    cluster.apply(function("one", namespace))
    message = conditions(settled(cluster, "one", namespace, "Stalled"))["Stalled"]
    owner = f"new/{namespace}/one"
    assert message[1] == "AlreadyExists" and f"{OWNER}={owner}" in message[2].replace(": ", "="), message
    arn = aws.function("preview-one")["Configuration"]["FunctionArn"]
    aws.functions.tag_resource(Resource=arn, Tags={OWNER: owner})
    settled(cluster, "one", namespace)
    assert changed(aws, mark) == []


def gone(cluster, one):
    """Is that object of the manifests not in the API server any more?"""
    name = ("-n", one["metadata"]["namespace"]) if "namespace" in one["metadata"] else ()
    return not cluster.run("get", one["kind"], one["metadata"]["name"], *name, "--ignore-not-found", check=False).stdout


def test_uninstalling_leaves_what_was_to_be_retained_and_nothing_in_the_cluster(cluster, aws, namespace, tmp_path):
    installed = Installed(cluster, aws.env(), tmp_path)
    # The namespace would wait for ever for a controller that is not there. Service and configurations are installed
    # already, for an API server without a network of pods.
    everything = [one for one in build(MANIFESTS) if one["kind"] != "Namespace"]
    others = [one for one in everything if "WebhookConfiguration" not in one["kind"] and one["kind"] != "Service"]
    cluster.apply(*others, flags=["--server-side", "--force-conflicts"])
    try:
        installed.admit(installed.start(controller=True))
        wait_for(lambda: installed.ask()[0] == 201)
        cluster.apply(function("kept", namespace, deletionPolicy="Retain"), function("deleted", namespace))
        all_ready(cluster, namespace, 2)
        cluster.run("delete", "lambdafunctions", "-A", "--all", "--timeout=20s")
        assert aws.function("preview-deleted") is None
        assert OWNER not in aws.function("preview-kept").get("Tags", {})
        cluster.run("delete", "--ignore-not-found", "-f", "-", stdin=json.dumps({"kind": "List", "items": everything}))
        wait_for(lambda: all(gone(cluster, one) for one in everything), 20, "all of the manifests being gone")
        assert installed.balancer.replicas[0].process.poll() is None
        installed.stop()
    finally:
        cluster.run("apply", *[f"-f{ROOT / path}" for path in INSTALLED])
        wait_for(lambda: cluster.run("get", "lambdafunctions", "-A", check=False).returncode == 0)
    aws.functions.delete_function(FunctionName="preview-kept")
