"""The ways of kubectl under a policy that fills in defaults: no difference, no conflict, no new generation for what is
the same. Without a policy: test_operations.py."""

import json
import os
import subprocess
import time

import pytest
from harness import KUBE_BIN, function, settled
from test_policy import policies, policy, ready  # noqa: F401  fixtures

FILLED = {
    "memorySize": 512,
    "timeout": 30,
    "tracingConfig": {"mode": "PassThrough"},
    "architectures": ["x86_64"],
}
DEFAULTS = {**FILLED, "tags": {"team": "a", "cost": "1"}, "environment": {"variables": {"LEVEL": "info"}}}
WRITTEN = {"tags": {"team": "b"}, "environment": {"variables": {"OWN": "x"}}}
WHOLE = {
    **FILLED,
    "tags": {"team": "b", "cost": "1"},
    "environment": {"variables": {"OWN": "x", "LEVEL": "info"}},
    "functionName": "team-app",
}


@pytest.fixture
def governed(cluster, namespace, policies):  # noqa: F811
    """A namespace under the policy, and the manifest of a function in it."""
    policies(policy(f"flows-{namespace}", namespace, defaults=DEFAULTS, functionName={"prefix": "team-"}))
    return namespace, function("app", namespace, **WRITTEN)


def state(cluster, namespace):
    """Generation and spec, once it is in force."""
    resource = settled(cluster, "app", namespace)
    return resource["metadata"]["generation"], resource["spec"]


def kubectl(cluster, *arguments, stdin=None):
    result = cluster.run(*arguments, stdin=json.dumps(stdin) if stdin else None)
    assert result.stderr == "", result
    return result.stdout


def server_side(manager):
    return ("apply", "--server-side", f"--field-manager={manager}", "-f", "-")


def patch(kind, what, namespace):
    return ("patch", "lf", "app", "-n", namespace, f"--type={kind}", "-p", json.dumps(what))


@pytest.mark.parametrize("way", [("apply", "-f", "-"), server_side("one"), ("create", "-f", "-")], ids=lambda way: way[1])
def test_the_same_again_is_the_same_in_every_way(cluster, governed, way):
    namespace, manifest = governed
    kubectl(cluster, *way, stdin=manifest)
    before = state(cluster, namespace)
    assert {name: before[1][name] for name in WHOLE} == WHOLE
    if way[0] == "apply":
        kubectl(cluster, *way, stdin=manifest)
        assert kubectl(cluster, "diff", *way[1:], stdin=manifest) == ""
    kubectl(cluster, "replace", "-f", "-", stdin=manifest)
    assert state(cluster, namespace) == before
    kubectl(cluster, *patch("merge", {"spec": {"memorySize": 512}}, namespace))
    kubectl(cluster, *patch("json", [{"op": "replace", "path": "/spec/timeout", "value": 30}], namespace))
    assert state(cluster, namespace) == before


def test_patches_change_what_they_name_and_what_they_remove_is_filled_in_again(cluster, governed):
    namespace, manifest = governed
    kubectl(cluster, "apply", "-f", "-", stdin=manifest)
    at, spec = state(cluster, namespace)
    kubectl(cluster, *patch("merge", {"spec": {"memorySize": 256, "tags": {"team": None}}}, namespace))
    changed = {**spec, "memorySize": 256, "tags": {"team": "a", "cost": "1"}}
    assert state(cluster, namespace) == (at + 1, changed)
    kubectl(cluster, *patch("json", [{"op": "remove", "path": "/spec/memorySize"}], namespace))
    assert state(cluster, namespace) == (at + 2, {**changed, "memorySize": 512})
    # The manifest says what it always said: only its own member comes back.
    kubectl(cluster, "apply", "-f", "-", stdin=manifest)
    assert state(cluster, namespace) == (at + 3, spec)


def test_two_managers_and_a_policy_do_not_conflict(cluster, governed):
    namespace, manifest = governed
    part = {**manifest, "spec": {"memorySize": 512, "environment": {"variables": {"LEVEL": "info"}}}}
    kubectl(cluster, *server_side("one"), stdin=manifest)
    before = state(cluster, namespace)
    for _ in range(2):  # what was filled in is nobody's, so the second may take it over
        kubectl(cluster, *server_side("two"), stdin=part)
        kubectl(cluster, *server_side("one"), stdin=manifest)
    assert state(cluster, namespace) == before
    kubectl(cluster, *server_side("two"), stdin={**part, "spec": {**part["spec"], "memorySize": 1024}})
    kubectl(cluster, *server_side("one"), stdin=manifest)
    assert state(cluster, namespace) == (before[0] + 1, {**before[1], "memorySize": 1024})


def test_an_edit_that_changes_nothing_and_one_that_removes_a_default(cluster, governed, tmp_path):
    namespace, manifest = governed
    kubectl(cluster, "apply", "-f", "-", stdin=manifest)
    before = state(cluster, namespace)

    def edit(editor):
        command = [KUBE_BIN / "kubectl", "--kubeconfig", cluster.config("admin"), "edit", "lf", "app", "-n", namespace]
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBE_EDITOR": editor}
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60, check=True)

    assert "no changes made" in edit("true").stderr
    edit("sed -i /memorySize/d")  # the policy fills it in again
    assert state(cluster, namespace) == before


def test_a_policy_that_changed_restamps_nothing_and_fights_with_nobody(cluster, governed):
    namespace, manifest = governed
    kubectl(cluster, "apply", "-f", "-", stdin=manifest)
    before = state(cluster, namespace)
    other = {**DEFAULTS, "memorySize": 2048, "tags": {"cost": "2"}}
    cluster.apply(policy(f"flows-{namespace}", namespace, defaults=other, functionName={"prefix": "team-"}))
    time.sleep(1)
    assert kubectl(cluster, "diff", "-f", "-", stdin=manifest) == ""
    kubectl(cluster, "apply", "-f", "-", stdin=manifest)
    assert state(cluster, namespace) == before
