"""environment.valueFrom: who may use a Secret, what becomes of its value, and that it shows nowhere else."""

import base64
import json

import pytest
from harness import Serve, conditions, function, settled, wait_for

VALUE, ROTATED = "hunter2-value", "rotated-value"


@pytest.fixture(scope="module", autouse=True)
def serve(cluster, aws, tmp_path_factory):
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("serve"), "--resync", "1s", "--log-level", "debug")
    yield one
    assert one.stop() == 0
    assert VALUE not in one.log() and ROTATED not in one.log()


def secret(cluster, namespace, name="db", **values):
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = {"name": name, "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def grant(cluster, namespace, subject, name, *rules):
    api, metadata = "rbac.authorization.k8s.io", {"name": name, "namespace": namespace}
    cluster.apply(
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": list(rules)},
        {
            "apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": name}, "subjects": [subject],
        },
    )  # fmt: skip


def rule(group, resource, *verbs, names=None):
    made = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return {**made, "resourceNames": names} if names else made


DEVELOPER = {"kind": "User", "name": "developer", "apiGroup": "rbac.authorization.k8s.io"}


@pytest.fixture
def opted_in(cluster, namespace):
    """kubelambda may read there, by the Role that is installed with it as an example."""
    cluster.run("apply", "-n", namespace, "-f", "manifests/secrets-role.yaml")
    return namespace


def from_secret(variable="DB_PASSWORD", name="db", key="password", **rest):
    return {"name": variable, "secretKeyRef": {"name": name, "key": key}, **rest}


def variables(aws, name="preview-app"):
    return aws.function(name)["Configuration"].get("Environment", {}).get("Variables", {})


def test_a_value_goes_to_aws_follows_its_secret_and_shows_nowhere_else(cluster, aws, opted_in):
    namespace = opted_in
    secret(cluster, namespace, password=VALUE)
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": namespace}}
    cluster.apply({**settings, "data": {"level": "info"}})
    level = {"name": "LEVEL", "configMapKeyRef": {"name": "settings", "key": "level"}}
    environment = {"variables": {"OWN": "x"}, "valueFrom": [from_secret(), level]}
    cluster.apply(function("app", namespace, environment=environment))
    settled(cluster, "app", namespace)
    assert variables(aws) == {"OWN": "x", "DB_PASSWORD": VALUE, "LEVEL": "info"}

    secret(cluster, namespace, password=ROTATED)
    wait_for(lambda: variables(aws)["DB_PASSWORD"] == ROTATED, what="the rotated value")
    settled(cluster, "app", namespace)
    everything = json.dumps(cluster.get("lf", "app", namespace)) + cluster.run(
        "get", "events", "-n", namespace, "-o", "json"
    ).stdout
    assert VALUE not in everything and ROTATED not in everything

    cluster.apply(function("app", namespace, environment={"variables": {"OWN": "x"}}))
    settled(cluster, "app", namespace)
    assert variables(aws) == {"OWN": "x"}


def test_values_that_do_not_change_are_not_written_again(cluster, aws, serve, opted_in):
    secret(cluster, opted_in, password=VALUE)
    cluster.apply(function("app", opted_in, environment={"valueFrom": [from_secret()]}))
    settled(cluster, "app", opted_in)
    writes, looks = serve.writes(), serve.calls("GetFunction", "ListFunctions")
    wait_for(lambda: serve.calls("GetFunction", "ListFunctions") > looks + 1)
    assert serve.writes() == writes


def test_a_requester_who_may_not_read_the_secret_is_refused(cluster, opted_in):
    namespace = opted_in
    secret(cluster, namespace, password=VALUE)
    functions = rule("kubelambda.io", "lambdafunctions", "get", "create", "update", "patch")
    grant(cluster, namespace, DEVELOPER, "functions", functions)
    manifest = function("app", namespace, environment={"valueFrom": [from_secret()]})
    refusal = cluster.apply(manifest, check=False, user="developer")
    assert refusal.returncode == 1
    assert (
        'spec.environment.valueFrom[0].secretKeyRef.name: Forbidden: "db": developer may not get this Secret '
        f"in the namespace {namespace}"
    ) in refusal.stderr

    # What somebody else may, and did, does not stand in the way of other changes.
    cluster.apply(manifest)
    settled(cluster, "app", namespace)
    cluster.apply({**manifest, "spec": {**manifest["spec"], "timeout": 9}}, user="developer")
    more = [from_secret(), from_secret("API_KEY", "api", "key")]
    further = function("app", namespace, environment={"valueFrom": more})
    refusal = cluster.apply(further, check=False, user="developer")
    assert "valueFrom[1].secretKeyRef.name: Forbidden" in refusal.stderr and "[0]" not in refusal.stderr

    grant(cluster, namespace, DEVELOPER, "secrets", rule("", "secrets", "get", names=["db", "api"]))
    wait_for(lambda: cluster.apply(further, check=False, user="developer").returncode == 0)


def test_without_a_role_for_kubelambda_the_status_says_which_to_make(cluster, aws, namespace):
    secret(cluster, namespace, password=VALUE)
    cluster.apply(function("app", namespace, environment={"valueFrom": [from_secret()]}))
    resource = settled(cluster, "app", namespace, "Reconciling")
    wait_for(
        lambda: conditions(cluster.get("lf", "app", namespace))["Ready"][1] == "SecretDenied",
        what="the reason",
    )
    message = conditions(cluster.get("lf", "app", namespace))["Ready"][2]
    assert f'create a Role in the namespace {namespace} that allows `get` on secrets "db"' in message
    assert aws.function("preview-app") is None and resource
    cluster.run("apply", "-n", namespace, "-f", "manifests/secrets-role.yaml")
    settled(cluster, "app", namespace)
    assert variables(aws) == {"DB_PASSWORD": VALUE}


def test_a_missing_secret_and_a_missing_key_are_waited_for(cluster, aws, opted_in):
    def reason():
        return conditions(cluster.get("lf", "app", opted_in)).get("Reconciling", ("", ""))[:2]

    cluster.apply(function("app", opted_in, environment={"valueFrom": [from_secret()]}))
    wait_for(lambda: reason() == ("True", "SecretNotFound"))
    secret(cluster, opted_in, other="x")
    wait_for(lambda: reason() == ("True", "KeyNotFound"))
    secret(cluster, opted_in, password=VALUE)
    settled(cluster, "app", opted_in)
    assert variables(aws) == {"DB_PASSWORD": VALUE}


def test_an_optional_value_is_left_out_until_it_is_there(cluster, aws, opted_in):
    cluster.apply(function("app", opted_in, environment={"valueFrom": [from_secret(optional=True)]}))
    settled(cluster, "app", opted_in)
    assert variables(aws) == {}
    secret(cluster, opted_in, password=VALUE)
    wait_for(lambda: variables(aws) == {"DB_PASSWORD": VALUE})


def test_values_that_are_too_large_together_are_said_to_be_so(cluster, aws, opted_in):
    secret(cluster, opted_in, password="v" * 4080)
    cluster.apply(function("app", opted_in, environment={"valueFrom": [from_secret()]}))
    wait_for(lambda: conditions(cluster.get("lf", "app", opted_in)).get("Ready", ("", ""))[1] == "InvalidEnvironment")
    message = conditions(cluster.get("lf", "app", opted_in))["Ready"][2]
    assert "AWS takes at most 4096" in message and "vvv" not in message
    assert aws.function("preview-app") is None
