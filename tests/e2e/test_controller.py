"""What the controller does with a function from its first apply to its end, seen in AWS and in kubectl."""

import json
import re
import time

import pytest
from harness import Serve, conditions, function, is_settled, settled, wait_for

RESYNC = 1  # seconds
UPDATES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
OTHER_CODE = "def handler(event, context):\n    return 'other'\n"


@pytest.fixture(scope="module")
def serve(cluster, aws, tmp_path_factory):
    """Looks at every function each second; the other tests have one that does so every ten minutes."""
    aws.upload("app/2.zip", OTHER_CODE)
    aws.upload("app/2-again.zip", OTHER_CODE)
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("serve"), "--resync", f"{RESYNC}s")
    yield one
    assert one.stop() == 0
    assert "forbidden" not in one.log().lower(), "the product's own role does not suffice"


def code(key):
    return {"s3Bucket": "artifacts", "s3Key": key}


def looks(serve):
    """How often the controller looked at a resource."""
    return serve.metric("controller_runtime_reconcile_total")


def let_resync(serve, times):
    """Long enough for so many resyncs, and proof that there were some."""
    before = serve.calls("GetFunction", "ListFunctions")
    time.sleep(times * 1.1 * RESYNC)  # a tenth later or sooner, by chance
    assert serve.calls("GetFunction", "ListFunctions") >= before + times - 1


def while_down(cluster, serve, change):
    """Does it while kubelambda does not run and is not asked."""
    serve.stop()
    cluster.run("delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "kubelambda")
    change()
    serve.start()


def test_a_created_function_is_in_aws_exactly_as_declared(cluster, aws, serve, namespace):
    cluster.apply(
        function(
            "app", namespace, description="says hello", memorySize=256, timeout=30, architectures=["arm64"],
            environment={"variables": {"LOG_LEVEL": "info"}}, ephemeralStorage={"size": 1024},
            tags={"team": "fake"},
        )  # fmt: skip
    )
    resource = settled(cluster, "app", namespace)
    found = aws.function("preview-app")
    configuration = found["Configuration"]
    assert {key: configuration[key] for key in ("Description", "MemorySize", "Timeout", "Architectures")} == {
        "Description": "says hello", "MemorySize": 256, "Timeout": 30, "Architectures": ["arm64"],
    }  # fmt: skip
    assert (configuration["Runtime"], configuration["Handler"]) == ("python3.13", "app.handler")
    assert configuration["Role"] == "arn:aws:iam::123456789012:role/fake"
    assert configuration["Environment"] == {"Variables": {"LOG_LEVEL": "info"}}
    assert configuration["EphemeralStorage"] == {"Size": 1024}
    cluster_id = cluster.get("namespace", "kube-system")["metadata"]["uid"]
    assert found["Tags"] == {"team": "fake", "kubelambda.io/owner": f"{cluster_id}/{namespace}/app"}

    status = resource["status"]
    assert conditions(resource) == {
        "Ready": ("True", "InForce", "the function is as declared"),
        "Reconciling": ("False", "InForce", ""),
        "Stalled": ("False", "InForce", ""),
    }
    assert {one["observedGeneration"] for one in status["conditions"]} == {resource["metadata"]["generation"]}
    assert status["functionArn"] == configuration["FunctionArn"]
    assert status["state"] == "Active"
    assert status["deployed"] == {
        "bucket": "artifacts",
        "key": "app/1.zip",
        "codeSha256": configuration["CodeSha256"],
        **{key: value for key, value in status["deployed"].items() if key == "versionId"},
    }
    assert status["managed"] == [
        "description", "memorySize", "timeout", "architectures", "environment.variables",
        "ephemeralStorage.size", "tags.team",
    ]  # fmt: skip
    assert resource["metadata"]["finalizers"] == ["kubelambda.io/function"]


def test_kubectl_get_prints_what_matters(cluster, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    for name in ("lf", "lambda"):
        title, row = cluster.run("get", name, "-n", namespace).stdout.splitlines()
        assert title.split() == ["NAME", "FUNCTION", "RUNTIME", "READY", "STATUS", "VERSION", "AGE"]
        assert row.split()[:5] == ["app", "preview-app", "python3.13", "True", "InForce"], name
    wide = cluster.run("get", "lf", "-n", namespace, "-o", "wide").stdout
    assert "us-east-1" in wide and "the function is as declared" in wide
    # The category has policies, too; where there are some, each row says what it is.
    assert re.search(r"(?m)^(lambdafunction\.kubelambda\.io/)?app +preview-app ", cluster.run("get", "aws", "-n", namespace).stdout)


def test_kubectl_wait_sees_when_a_function_is_ready(cluster, serve, namespace):
    cluster.apply(function("app", namespace))
    cluster.run("wait", "--for=condition=Ready", "--timeout=20s", "lf/app", "-n", namespace)


def test_another_key_deploys_and_the_old_key_rolls_back(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    first = aws.function("preview-app")["Configuration"]["CodeSha256"]

    cluster.apply(function("app", namespace, code=code("app/2.zip")))
    deployed = settled(cluster, "app", namespace)["status"]["deployed"]
    second = aws.function("preview-app")["Configuration"]["CodeSha256"]
    assert second != first
    assert (deployed["key"], deployed["codeSha256"]) == ("app/2.zip", second)

    cluster.apply(function("app", namespace))
    deployed = settled(cluster, "app", namespace)["status"]["deployed"]
    assert aws.function("preview-app")["Configuration"]["CodeSha256"] == first
    assert (deployed["key"], deployed["codeSha256"]) == ("app/1.zip", first)


def test_another_key_with_the_same_bytes_deploys_nothing(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, code=code("app/2.zip")))
    settled(cluster, "app", namespace)
    writes = serve.writes()
    cluster.apply(function("app", namespace, code=code("app/2-again.zip")))
    resource = settled(cluster, "app", namespace)
    assert resource["status"]["deployed"]["key"] == "app/2-again.zip"
    assert serve.writes() == writes


def test_code_and_configuration_changed_at_once_are_both_in_force(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    old = aws.function("preview-app")["Configuration"]["CodeSha256"]
    counts = [serve.calls(one) for one in UPDATES]
    changes = {"code": code("app/2.zip"), "handler": "app.other", "memorySize": 512, "tags": {"a": "b"}}
    cluster.apply(function("app", namespace, **changes))
    settled(cluster, "app", namespace)
    found = aws.function("preview-app")
    assert found["Configuration"]["CodeSha256"] != old
    assert (found["Configuration"]["Handler"], found["Configuration"]["MemorySize"]) == ("app.other", 512)
    assert found["Tags"]["a"] == "b"
    assert [serve.calls(one) for one in UPDATES] == [count + 1 for count in counts]


def test_a_deleted_resource_takes_its_function_along(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    cluster.run("delete", "lf", "app", "-n", namespace, "--timeout=20s")
    assert aws.function("preview-app") is None
    assert cluster.get("lf", "app", namespace) is None


def test_a_resource_whose_function_vanished_is_deleted_all_the_same(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)

    def vanish():
        aws.functions.delete_function(FunctionName="preview-app")
        cluster.run("delete", "lf", "app", "-n", namespace, "--wait=false")

    while_down(cluster, serve, vanish)
    wait_for(lambda: cluster.get("lf", "app", namespace) is None, what="the resource's end")
    assert serve.writes() == 0


def test_other_peoples_finalizers_stay(cluster, aws, serve, namespace):
    resource = function("app", namespace)
    resource["metadata"]["finalizers"] = ["example.com/another"]
    cluster.apply(resource)
    settled(cluster, "app", namespace)
    assert set(cluster.functions(namespace)["app"]["metadata"]["finalizers"]) == {
        "example.com/another", "kubelambda.io/function",
    }  # fmt: skip
    cluster.run("delete", "lf", "app", "-n", namespace, "--wait=false")
    wait_for(lambda: aws.function("preview-app") is None, what="the function's end")
    wait_for(
        lambda: cluster.functions(namespace)["app"]["metadata"]["finalizers"] == ["example.com/another"],
        what="the end of our finalizer alone",
    )
    writes = serve.writes()
    patch = '{"metadata": {"finalizers": null}}'
    cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", patch)
    assert cluster.get("lf", "app", namespace) is None
    assert serve.writes() == writes


def test_a_function_deleted_behind_our_back_is_created_again(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, memorySize=256))
    settled(cluster, "app", namespace)
    aws.functions.delete_function(FunctionName="preview-app")
    found = wait_for(lambda: aws.function("preview-app"), what="the function")
    assert found["Configuration"]["MemorySize"] == 256
    settled(cluster, "app", namespace)


def test_drift_is_corrected_at_the_resync(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, memorySize=256, tags={"team": "fake"}))
    settled(cluster, "app", namespace)
    arn = aws.function("preview-app")["Configuration"]["FunctionArn"]
    aws.functions.update_function_configuration(FunctionName="preview-app", MemorySize=1024)
    aws.functions.tag_resource(Resource=arn, Tags={"team": "other", "theirs": "stays"})
    code_by_hand = {"S3Bucket": "artifacts", "S3Key": "app/2.zip"}
    old = aws.function("preview-app")["Configuration"]["CodeSha256"]
    aws.functions.update_function_code(FunctionName="preview-app", **code_by_hand)

    def corrected():
        found = aws.function("preview-app")
        configuration = found["Configuration"]
        right = configuration["MemorySize"] == 256 and configuration["CodeSha256"] == old
        return right and found["Tags"]["team"] == "fake" and found["Tags"]

    assert wait_for(corrected, what="the correction")["theirs"] == "stays"
    settled(cluster, "app", namespace)


def test_what_was_never_declared_is_left_to_others(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    aws.functions.update_function_configuration(FunctionName="preview-app", MemorySize=1024, Timeout=60)
    writes = serve.writes()
    let_resync(serve, 3)
    assert serve.writes() == writes
    assert aws.function("preview-app")["Configuration"]["MemorySize"] == 1024


def test_a_foreign_function_is_left_alone_until_it_is_handed_over(cluster, aws, serve, namespace):
    aws.functions.create_function(
        FunctionName="preview-app", Runtime="python3.12", Handler="their.handler", MemorySize=512,
        Role="arn:aws:iam::123456789012:role/fake", Code={"S3Bucket": "artifacts", "S3Key": "app/2.zip"},
    )  # fmt: skip
    before = aws.function("preview-app")
    cluster.apply(function("app", namespace))
    resource = settled(cluster, "app", namespace, "Stalled")
    _, reason, message = conditions(resource)["Stalled"]
    assert reason == "AlreadyExists"
    key, value = re.search(r"tag it ([^= ]+)=(\S+) to hand it over", message).groups()
    let_resync(serve, 2)
    assert aws.function("preview-app") | {"ResponseMetadata": 0} == before | {"ResponseMetadata": 0}

    aws.functions.tag_resource(Resource=before["Configuration"]["FunctionArn"], Tags={key: value})
    settled(cluster, "app", namespace)
    configuration = aws.function("preview-app")["Configuration"]
    assert (configuration["Runtime"], configuration["Handler"]) == ("python3.13", "app.handler")
    assert configuration["CodeSha256"] != before["Configuration"]["CodeSha256"]


def test_a_foreign_function_survives_the_end_of_the_resource(cluster, aws, serve, namespace):
    aws.functions.create_function(
        FunctionName="preview-app", Runtime="python3.12", Handler="their.handler",
        Role="arn:aws:iam::123456789012:role/fake", Code={"S3Bucket": "artifacts", "S3Key": "app/2.zip"},
    )  # fmt: skip
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace, "Stalled")
    cluster.run("delete", "lf", "app", "-n", namespace, "--timeout=20s")
    assert aws.function("preview-app")
    aws.functions.delete_function(FunctionName="preview-app")


def test_two_resources_with_one_function_name_do_not_fight(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    thief = function("thief", namespace, functionName="preview-app", region="us-east-1", memorySize=512)
    while_down(cluster, serve, lambda: cluster.apply(thief))  # admission would refuse it
    resource = settled(cluster, "thief", namespace, "Stalled")
    _, reason, message = conditions(resource)["Stalled"]
    assert reason == "OwnedByAnother" and f"/{namespace}/app" in message
    assert aws.function("preview-app")["Configuration"]["MemorySize"] == 128
    assert is_settled(cluster.functions(namespace)["app"])


def test_a_resync_that_finds_nothing_writes_nothing(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, memorySize=256, tags={"team": "fake"}, layers=[]))
    version = settled(cluster, "app", namespace)["metadata"]["resourceVersion"]
    writes = serve.writes()
    let_resync(serve, 3)
    assert cluster.functions(namespace)["app"]["metadata"]["resourceVersion"] == version
    assert serve.writes() == writes


def test_a_stalled_function_is_tried_again_without_status_writes(cluster, aws, serve, namespace):
    names = {"functionName": "bypassed", "region": "us-east-1"}
    while_down(cluster, serve, lambda: cluster.apply(function("app", namespace, runtime="cobol85", **names)))
    resource = settled(cluster, "app", namespace, "Stalled")
    _, reason, message = conditions(resource)["Stalled"]
    assert reason == "InvalidSpec"
    assert 'spec.runtime: Unsupported value: "cobol85"' in message
    assert aws.function("bypassed") is None

    time.sleep(3 * RESYNC)
    now = cluster.functions(namespace)["app"]["metadata"]["resourceVersion"]
    assert now == resource["metadata"]["resourceVersion"]
    assert serve.writes() == 0

    cluster.apply(function("app", namespace, **names))
    settled(cluster, "app", namespace)
    assert aws.function("bypassed")["Configuration"]["Runtime"] == "python3.13"


def test_a_spec_that_bypassed_admission_stalls_with_the_same_findings(cluster, aws, serve, namespace):
    wrong = function(
        "app", namespace, runtime="cobol85", loggingConfig={"systemLogLevel": "INFO"}, functionName="bypassed",
        vpcConfig={"subnetIds": ["subnet-0a"]}, region="us-east-1",
    )  # fmt: skip
    refusal = cluster.apply(wrong, check=False).stderr
    findings = re.findall(r"(?m)^\* (.*)$", refusal)
    assert len(findings) >= 3, refusal
    while_down(cluster, serve, lambda: cluster.apply(wrong))
    _, reason, message = conditions(settled(cluster, "app", namespace, "Stalled"))["Stalled"]
    assert reason == "InvalidSpec" and [one for one in findings if one not in message] == []
    assert aws.function("bypassed") is None


def test_a_restart_costs_no_aws_call(cluster, aws, serve, namespace, tmp_path):
    cluster.apply(*[function(f"app-{i}", namespace, memorySize=256) for i in range(5)])
    versions = {f"app-{i}": settled(cluster, f"app-{i}", namespace) for i in range(5)}
    serve.stop()
    quiet = Serve(cluster, aws.env(), tmp_path)
    try:
        wait_for(lambda: looks(quiet) >= 5, what="a look at each function")
        wait_for(lambda: quiet.metric("workqueue_depth") == 0, what="an empty queue")
        assert quiet.calls() == 0
        for name, resource in cluster.functions(namespace).items():
            assert resource["metadata"] == versions[name]["metadata"]
        cluster.apply(function("app-0", namespace, memorySize=512))
        settled(cluster, "app-0", namespace)
        assert quiet.calls() - quiet.calls("GetFunction") == quiet.calls("UpdateFunctionConfiguration") == 1
    finally:
        assert quiet.stop() == 0
        serve.start()


def test_a_resource_deleted_while_kubelambda_was_down_is_cleaned_up(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    while_down(cluster, serve, lambda: cluster.run("delete", "lf", "app", "-n", namespace, "--wait=false"))
    wait_for(lambda: cluster.get("lf", "app", namespace) is None, what="the resource's end")
    assert aws.function("preview-app") is None


def test_a_change_made_while_kubelambda_was_down_comes_in_force(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    patch = ("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", '{"spec": {"memorySize": 512}}')
    while_down(cluster, serve, lambda: cluster.run(*patch))
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Configuration"]["MemorySize"] == 512


def test_thirty_functions_at_once_converge(cluster, aws, serve, namespace):
    names = [f"app-{i}" for i in range(30)]
    cluster.apply(*[function(name, namespace, timeout=10) for name in names])

    def all_ready():
        resources = cluster.functions(namespace)
        return len(resources) == 30 and all(is_settled(one) for one in resources.values())

    wait_for(all_ready, 60, "30 functions ready")
    assert all(aws.function(f"preview-{name}") for name in names)
    cluster.run("delete", "lf", "--all", "-n", namespace, "--timeout=60s")
    assert not any(aws.function(f"preview-{name}") for name in names)


def test_kubectl_replace_keeps_name_and_region(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, memorySize=256))
    before = settled(cluster, "app", namespace)
    cluster.replace(function("app", namespace, timeout=20))
    after = settled(cluster, "app", namespace)
    for member in ("functionName", "region"):
        assert after["spec"][member] == before["spec"][member]
    configuration = aws.function("preview-app")["Configuration"]
    assert (configuration["Timeout"], configuration["MemorySize"]) == (20, 128)


def test_a_recreated_resource_starts_anew(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, memorySize=256))
    settled(cluster, "app", namespace)
    cluster.run("delete", "lf", "app", "-n", namespace, "--timeout=20s")
    cluster.apply(function("app", namespace))
    resource = settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Configuration"]["MemorySize"] == 128
    assert "managed" not in resource["status"] or resource["status"]["managed"] == []
