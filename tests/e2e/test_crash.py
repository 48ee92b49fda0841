"""kill -9 at every step: before each request that is about a function arrives, at AWS or at the API server, and
before its answer does. The next start finishes what was begun: nothing twice, nothing lost, nothing left over,
and the status is the one of an undisturbed run."""

import collections
import concurrent.futures
import json
import os
import random
import re
import time

import pytest
from gate import Gate
from fake_aws import function_of
from harness import Serve, all_ready, function, is_settled, wait_for

pytestmark = pytest.mark.scripted_aws(limits=False)

OTHER = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
SNS = {"sid": "sns", "principal": "sns.amazonaws.com", "action": "lambda:InvokeFunction", "sourceAccount": "123456789012"}
KEEP, LIVE = {"publish": "OnChange", "keep": 1}, {"name": "live", "version": "Latest"}
THEIRS = "theirs"  # the function is there, and is nobody's
GONE = "gone"
WORKERS = 64  # as many requests can be kept at a time
MANY = 150
ROLLOUT_S = 10
KILLS = 3  # in each rollout
ROLLOUTS = int(os.environ.get("KUBELAMBDA_ROLLOUTS", "2"))

# What there is before, what is declared then, and the writes to AWS that it takes.
STORIES = {
    "create": (None, {"tags": {"a": "b"}}, ["CreateFunction"]),
    "code": ({}, {"code": OTHER}, ["UpdateFunctionCode"]),
    "config": ({}, {"memorySize": 256}, ["UpdateFunctionConfiguration"]),
    "both": (
        {}, {"code": OTHER, "memorySize": 256, "tags": {"a": "b"}},
        ["UpdateFunctionCode", "UpdateFunctionConfiguration", "TagResource"],
    ),
    "remove": (
        {"memorySize": 256, "tags": {"a": "b"}, "reservedConcurrency": 0}, {},
        ["UpdateFunctionConfiguration", "UntagResource", "DeleteFunctionConcurrency"],
    ),
    "beside": (
        {}, {"reservedConcurrency": 0, "asyncInvoke": {"maximumRetryAttempts": 1}},
        ["PutFunctionConcurrency", "PutFunctionEventInvokeConfig"],
    ),
    "attach": (
        {}, {"functionUrl": {"authType": "NONE"}, "eventSources": [{"name": "orders", "eventSourceArn": QUEUE}]},
        ["CreateFunctionUrlConfig", "AddPermission", "AddPermission", "CreateEventSourceMapping"],
    ),
    "detach": (
        {"functionUrl": {"authType": "AWS_IAM"}, "permissions": [SNS]}, {},
        ["DeleteFunctionUrlConfig", "RemovePermission"],
    ),
    "publish": ({}, {"versions": KEEP, "aliases": [LIVE]}, ["PublishVersion", "CreateAlias"]),
    "release": (
        {"versions": KEEP, "aliases": [LIVE]}, {"versions": KEEP, "aliases": [LIVE], "code": OTHER},
        ["UpdateFunctionCode", "PublishVersion", "UpdateAlias", "DeleteFunction"],
    ),
    "adopt": (
        THEIRS, {"adoptionPolicy": "Adopt", "code": OTHER, "memorySize": 256},
        ["TagResource", "UpdateFunctionCode", "UpdateFunctionConfiguration"],
    ),
    "delete": ({}, GONE, ["DeleteFunction"]),
    "retain": ({"deletionPolicy": "Retain"}, GONE, ["UntagResource"]),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def webhook(cluster, aws, tmp_path_factory):
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("webhook"), "--no-controller")
    yield one
    assert one.stop() == 0


@pytest.fixture(scope="module")
def gate():
    one = Gate()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def serve(cluster, aws, gate, tmp_path_factory):
    """A controller that meets its peers only through the gate, with a worker for each request that is kept."""
    directory = tmp_path_factory.mktemp("serve")
    config = cluster.config_by(f"http://127.0.0.1:{gate.listen('kube', *cluster.server())}", directory)
    port = gate.listen("aws", int(aws.address.rpartition(":")[2]))
    env = aws.env() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    one = Serve(cluster, env, directory, "--no-webhook", "--workers", str(WORKERS), kubeconfig=config)
    yield one
    assert one.stop() == 0


def story(name):
    return STORIES[name.partition("-")[0]]


def begin(cluster, aws, namespace, names):
    """What there is before."""
    for one in aws.functions.get_paginator("list_functions").paginate().search("Functions[].FunctionName"):
        aws.functions.delete_function(FunctionName=one)
    given = {name: story(name)[0] for name in names}
    for name in [name for name in names if given[name] == THEIRS]:
        aws.functions.create_function(
            FunctionName=f"preview-{name}", Runtime="python3.12", Handler="their.handler", MemorySize=512,
            Role="arn:aws:iam::123456789012:role/fake", Code={"S3Bucket": "artifacts", "S3Key": "app/1.zip"},
        )  # fmt: skip
    made = [name for name in names if isinstance(given[name], dict)]
    cluster.apply(*(function(name, namespace, **given[name]) for name in made))
    all_ready(cluster, namespace, len(made))
    time.sleep(3)  # a change that follows at once costs a look more: what was written might not show yet


def change(cluster, namespace, names):
    going = [name for name in names if story(name)[1] == GONE]
    cluster.apply(*(function(name, namespace, **story(name)[1]) for name in names if name not in going))
    cluster.run("delete", "lf", "--wait=false", "-n", namespace, *going)


def unfinished(cluster, namespace, names):
    """Those that are not as declared, or gone as they should be."""
    found = cluster.functions(namespace)
    return {name for name in names if (name in found if story(name)[1] == GONE else not is_settled(found.get(name)))}


def seen(cluster, aws, namespace, names):
    """For each, all that there is of it in the cluster and in AWS, but for what differs from run to run."""
    resources = cluster.functions(namespace)
    return {name: seen_one(resources.get(name, {}), aws, namespace, name) for name in names}


def seen_one(resource, aws, namespace, name):
    status, function = resource.get("status", {}), aws.function(f"preview-{name}")
    for one in status.get("conditions", []):
        del one["lastTransitionTime"]
    if function:
        function = {key: function.get(key) for key in ("Configuration", "Tags", "Concurrency")}
        for key in ("RevisionId", "LastModified"):
            del function["Configuration"][key]
    text = json.dumps({"status": status, "function": function}, sort_keys=True, indent=1)
    # The versionId is known where S3 was asked, which a creation does not need.
    text = re.sub(r',?\s*"(uuid|functionUrl|time|versionId)": "[^"]*"', "", text)
    return text.replace(f"preview-{name}", "FUNCTION").replace(f"{namespace}/{name}", "RESOURCE")


def writes(aws, since):
    """Function -> the writes that AWS took, in their order."""
    found = collections.defaultdict(list)
    for one in aws.journal(since=since):
        if one["status"] < 300 and not one["operation"].startswith(("Get", "List")):
            found[function_of(one["name"]).removeprefix("preview-")].append(one["operation"])
    return found


class Undisturbed:
    """How each story goes when nothing happens: how many requests it takes, and how it ends."""

    def __init__(self, cluster, aws, gate, namespace):
        begin(cluster, aws, namespace, STORIES)
        gate.open()
        mark = aws.mark()
        change(cluster, namespace, STORIES)
        wait_for(lambda: not unfinished(cluster, namespace, STORIES), 30, "all stories' ends")
        self.lengths = dict(gate.counts)
        self.ends = seen(cluster, aws, namespace, STORIES)
        assert {name: story(name)[2] for name in STORIES} == writes(aws, mark)


@pytest.fixture(scope="module")
def undisturbed(cluster, aws, serve, gate):
    namespace = cluster.namespace("undisturbed", "preview")
    yield Undisturbed(cluster, aws, gate, namespace)
    cluster.empty(namespace)


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("lose", ["request", "answer"])
def test_a_crash_at_any_step_is_one_that_nobody_notices(
    cluster, aws, serve, gate, namespace, undisturbed, lose, half
):
    """Each story is told once for each of its steps, by a function of its own, and one kill ends half of them:
    each keeps a worker busy."""
    steps = [(name, number + 1) for name, length in undisturbed.lengths.items() for number in range(length)]
    stops = {f"{name}-{number}": number for name, number in steps[half::2]}
    assert len(stops) < WORKERS
    begin(cluster, aws, namespace, stops)
    gate.close(stops, lose)
    mark = aws.mark()
    change(cluster, namespace, stops)
    wait_for(lambda: gate.stopped == set(stops), 40, "all functions at their step")
    serve.kill()
    gate.open()
    serve.start()
    wait_for(lambda: not unfinished(cluster, namespace, stops), 60, "all stories' ends")
    assert {name: story(name)[2] for name in stops} == writes(aws, mark)
    for name, end in seen(cluster, aws, namespace, stops).items():
        assert end == undisturbed.ends[name.partition("-")[0]], name
    cluster.abandon(namespace)


@pytest.fixture(scope="module")
def rolled(cluster, aws, serve):
    """The namespace of all rollouts."""
    name = cluster.namespace("rolled", "preview")
    yield name
    cluster.abandon(name)


def rollout(number):
    """The first one creates, the others change the code and by turns the configuration."""
    spec = {"code": OTHER if number % 2 else None, "memorySize": 256 if number % 4 > 1 else None}
    return {name: value for name, value in spec.items() if value}


@pytest.mark.parametrize("number", range(ROLLOUTS))
def test_a_rollout_of_150_functions_that_is_killed_at_random_moments_ends_as_declared(
    cluster, aws, serve, rolled, number
):
    """KUBELAMBDA_ROLLOUTS: how many; `make crash` has a hundred. AWS's limits make each take ten seconds."""
    aws.settings(limits=True)
    chance = random.Random(seed := time.time_ns())
    moments = sorted(chance.uniform(0, ROLLOUT_S) for _ in range(KILLS))
    declared = [function(f"many-{i}", rolled, **rollout(number)) for i in range(MANY)]
    mark, began = aws.mark(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        applied = pool.submit(cluster.apply, *declared)
        for moment in moments:
            time.sleep(max(0, began + moment - time.monotonic()))
            serve.kill()
            serve.start()
        applied.result()
    all_ready(cluster, rolled, MANY, 90)
    wanted = writes(aws, mark).values()
    assert [len(one) for one in wanted] == [len(set(one)) for one in wanted], f"sent twice; seed {seed}"
    for one in declared:
        seen = aws.function(f"preview-{one['metadata']['name']}")["Configuration"]
        assert seen["CodeSha256"] == aws.sha256(one["spec"]["code"]["s3Key"]), seed
        assert seen["MemorySize"] == one["spec"].get("memorySize", 128), seed
