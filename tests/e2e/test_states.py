"""What the emulator never does and AWS does all day: it takes its time, is busy, throttles, refuses, breaks
in the middle. On the scripted AWS, with its published limits."""

import collections
import concurrent.futures
import time

import pytest
from harness import conditions, function, is_settled, settled, wait_for

pytestmark = pytest.mark.scripted_aws

UPDATES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
ROLE = "arn:aws:iam::123456789012:role/fake"
ROLLOUT = 150


def code(key):
    return {"s3Bucket": "artifacts", "s3Key": key}


def made(cluster, name, namespace, **spec):
    cluster.apply(function(name, namespace, **spec))
    return settled(cluster, name, namespace)


def operations(entries):
    return [one["operation"] for one in entries]


def reason(cluster, name, namespace):
    return conditions(cluster.functions(namespace).get(name)).get("Ready", ("", "", ""))[1:]


# --- what takes time ------------------------------------------------------------------------------


def test_a_creation_that_takes_seconds_is_waited_for_with_few_calls(cluster, aws, serve, namespace):
    aws.settings(pending_ms=3000)
    cluster.apply(function("slow", namespace))
    wait_for(lambda: aws.journal("CreateFunction", name=None), what="the creation")
    assert not is_settled(cluster.functions(namespace)["slow"])
    resource = settled(cluster, "slow", namespace)
    assert resource["status"]["state"] == "Active"
    calls = [one for one in aws.journal() if one["name"] in ("preview-slow",)]
    assert len(calls) <= 4 and operations(calls).count("CreateFunction") == 1, operations(calls)


def test_code_and_configuration_wait_for_each_other(cluster, aws, serve, namespace):
    made(cluster, "both", namespace)
    aws.settings(update_ms=1500)
    mark = aws.mark()
    made(cluster, "both", namespace, code=code("app/2.zip"), memorySize=512)
    calls = aws.journal(since=mark)
    assert [one for one in operations(calls) if one in UPDATES] == list(UPDATES)
    assert {one["status"] for one in calls} == {200}, "one was sent while the other was in progress"
    assert all("RevisionId" in one["body"] for one in calls if one["operation"] in UPDATES)
    seen = aws.function("preview-both")["Configuration"]
    assert seen["MemorySize"] == 512 and seen["CodeSha256"] != aws.sha256("app/1.zip")


def test_a_change_of_code_costs_three_calls(cluster, aws, serve, namespace):
    made(cluster, "cheap", namespace)
    mark = aws.mark()
    made(cluster, "cheap", namespace, code=code("app/2.zip"))
    assert operations(aws.journal(since=mark)) == ["GetFunction", "UpdateFunctionCode", "GetFunction"]


def test_a_function_that_aws_cannot_create_stalls_with_awss_reason(cluster, aws, serve, namespace):
    why = {"code": "InvalidSubnet", "reason": "The subnet is gone."}
    aws.rule("CreateFunction", name="preview-failed", fail=why)
    mark = aws.mark()
    cluster.apply(function("failed", namespace))
    _, why, message = conditions(settled(cluster, "failed", namespace, "Stalled"))["Stalled"]
    assert why == "FunctionFailed" and "The subnet is gone." in message
    assert operations(aws.journal(since=mark)).count("CreateFunction") <= 2


def test_a_creation_that_failed_once_is_made_anew(cluster, aws, serve, namespace):
    aws.rule("CreateFunction", name="preview-anew", times=1, fail={"code": "InternalError", "reason": "Sorry."})
    mark = aws.mark()
    made(cluster, "anew", namespace)
    wanted = ["CreateFunction", "DeleteFunction", "CreateFunction"]
    assert [one for one in operations(aws.journal(since=mark)) if one != "GetFunction"] == wanted


@pytest.mark.parametrize("shows", ["old", "new"])
def test_an_update_that_fails_stalls_and_the_next_one_mends_it(cluster, aws, serve, namespace, shows):
    name = f"update-{shows}"
    made(cluster, name, namespace)
    aws.settings(failed_update_keeps=shows)
    aws.rule("UpdateFunctionConfiguration", times=1, fail={"code": "InvalidSubnet", "reason": "No such subnet."})
    mark = aws.mark()
    cluster.apply(function(name, namespace, memorySize=512))
    _, why, message = conditions(settled(cluster, name, namespace, "Stalled"))["Stalled"]
    assert why == "UpdateFailed" and "No such subnet." in message
    assert operations(aws.journal(since=mark)).count("UpdateFunctionConfiguration") == 1
    made(cluster, name, namespace, memorySize=256)
    assert aws.function(f"preview-{name}")["Configuration"]["MemorySize"] == 256


def test_a_failed_update_that_is_taken_back_is_made_sure_of(cluster, aws, serve, namespace):
    made(cluster, "taken-back", namespace, memorySize=256)
    aws.rule("UpdateFunctionConfiguration", times=1, fail={"code": "InvalidSubnet", "reason": "No such subnet."})
    cluster.apply(function("taken-back", namespace, memorySize=512))
    settled(cluster, "taken-back", namespace, "Stalled")
    assert aws.function("preview-taken-back")["Configuration"]["MemorySize"] == 256
    resource = made(cluster, "taken-back", namespace, memorySize=256)
    assert resource["status"]["lastUpdateStatus"] == "Successful"


# --- others ---------------------------------------------------------------------------------------


def test_while_somebody_else_updates_we_wait(cluster, aws, serve, namespace):
    made(cluster, "busy", namespace)
    one = aws.rule("UpdateFunctionConfiguration", times=2, status=409, code="ResourceConflictException", message="The operation cannot be performed at this time. An update is in progress for resource: ARN")
    made(cluster, "busy", namespace, memorySize=512)
    assert aws.hits(one) == 2
    assert aws.function("preview-busy")["Configuration"]["MemorySize"] == 512


def test_a_change_made_behind_our_back_in_the_middle_is_seen(cluster, aws, serve, namespace):
    made(cluster, "raced", namespace, timeout=10)
    held = aws.rule("UpdateFunctionConfiguration", name="preview-raced", times=1, status=412, code="PreconditionFailedException", message="as if the answer to the look were old")
    mark = aws.mark()
    cluster.apply(function("raced", namespace, timeout=20))
    settled(cluster, "raced", namespace)
    assert aws.hits(held) == 1
    assert operations(aws.journal(since=mark)) == ["GetFunction", "UpdateFunctionConfiguration", "GetFunction", "UpdateFunctionConfiguration", "GetFunction"]
    looked = aws.rule("GetFunction", name="preview-raced", times=1, hold=True)
    cluster.apply(function("raced", namespace, timeout=30))
    wait_for(lambda: aws.hits(looked), what="the look")
    aws.functions.update_function_configuration(FunctionName="preview-raced", Description="theirs")
    aws.function("preview-raced")  # and it is over
    mark = aws.mark()
    aws.release(looked)
    settled(cluster, "raced", namespace)
    assert [one["status"] for one in aws.journal(*UPDATES, since=mark)] == [412, 200]
    seen = aws.function("preview-raced")["Configuration"]
    assert (seen["Timeout"], seen["Description"]) == (30, "theirs")


# --- what breaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("error", {"status": 500, "code": "ServiceException", "message": "sorry"}),
        ("proxy", {"status": 502, "html": "<html>bad gateway</html>"}),
        ("cut", {"cut": 0}),
        ("half", {"cut": 200}),
        ("nonsense", {"status": 200, "body": '{"Configuration"'}),
        ("late", {"delay_ms": 2000}),
        ("lost", {"perform": True, "cut": 0, "status": 500}),
    ],
)
def test_a_creation_survives(cluster, aws, serve, namespace, name, then):
    broken = aws.rule("CreateFunction", name=f"preview-{name}", times=1, **then)
    made(cluster, name, namespace, tags={"a": "b"})
    assert aws.hits(broken) == 1
    assert aws.function(f"preview-{name}")["Tags"]["a"] == "b"


@pytest.mark.parametrize(
    ("name", "then"),
    [("u-error", {"status": 503, "html": ""}), ("u-lost", {"perform": True, "cut": 0, "status": 500}), ("u-cut", {"cut": 0})],
)
def test_an_update_survives(cluster, aws, serve, namespace, name, then):
    made(cluster, name, namespace)
    for operation in UPDATES:
        aws.rule(operation, name=f"preview-{name}", times=1, **then)
    made(cluster, name, namespace, code=code("app/2.zip"), memorySize=512)
    seen = aws.function(f"preview-{name}")["Configuration"]
    assert seen["MemorySize"] == 512 and seen["CodeSha256"] == aws.sha256("app/2.zip")


def test_a_404_of_something_else_is_no_word_on_the_function(cluster, aws, serve, namespace):
    made(cluster, "there", namespace)
    aws.rule("GetFunction", name="preview-there", times=2, status=404, html="<html>not here</html>")
    mark = aws.mark()
    made(cluster, "there", namespace, memorySize=512)
    assert "CreateFunction" not in operations(aws.journal(since=mark))


def test_what_aws_says_beyond_what_is_known_does_no_harm(cluster, aws, serve, namespace):
    made(cluster, "odd", namespace)
    odd = {
        "Configuration": {
            "State": "Dancing", "LastUpdateStatus": "Rehearsing", "Layers": 7, "VpcConfig": [], "MemorySize": "much",
            "Environment": {"Error": {"ErrorCode": "KMS"}}, "Novelty": {"a": [1, 2, {"b": None}]}, "Timeout": None,
        },
        "Tags": {"other": {"not": "a string"}},
    }  # fmt: skip
    seen = aws.rule("GetFunction", name="preview-odd", times=1, merge=odd)
    made(cluster, "odd", namespace, timeout=10)
    assert aws.hits(seen) == 1
    assert aws.function("preview-odd")["Configuration"]["Timeout"] == 10


# --- refusals -------------------------------------------------------------------------------------


def test_a_role_that_is_not_usable_yet_is_waited_for(cluster, aws, serve, namespace):
    aws.settings(roles={ROLE + "-new": {"refuse_calls": 1}})
    cluster.apply(function("role", namespace, role=ROLE + "-new"))
    why, message = wait_for(lambda: (found := reason(cluster, "role", namespace))[0] == "RoleNotAssumable" and found)
    assert "trust policy must allow lambda.amazonaws.com" in message
    resource = settled(cluster, "role", namespace)
    assert conditions(resource)["Stalled"][0] == "False"


def test_an_object_that_is_gone_stalls_and_is_deployed_once_it_is_there(cluster, aws, serve_with, namespace):
    serve_with("--resync", "1s")
    made(cluster, "gone", namespace)
    aws.rule("HeadObject", status=503, code="SlowDown")  # so that admission cannot tell
    cluster.apply(function("gone", namespace, code=code("app/later.zip")))
    _, why, message = conditions(settled(cluster, "gone", namespace, "Stalled"))["Stalled"]
    assert "NoSuchKey" in message, (why, message)
    version = cluster.functions(namespace)["gone"]["metadata"]["resourceVersion"]
    time.sleep(2.5)
    assert cluster.functions(namespace)["gone"]["metadata"]["resourceVersion"] == version
    aws.upload("app/later.zip", "x = 3\n")
    settled(cluster, "gone", namespace)
    aws.rules_off()
    assert aws.function("preview-gone")["Configuration"]["CodeSha256"] == aws.sha256("app/later.zip")


def test_where_the_owner_cannot_be_read_nothing_is_written(cluster, aws, serve_with, namespace):
    serve_with("--resync", "1s")
    made(cluster, "blind", namespace)
    aws.settings(denied={"kubelambda": ["ListTags"]})
    mark = aws.mark()
    cluster.apply(function("blind", namespace, memorySize=512))
    _, why, message = conditions(settled(cluster, "blind", namespace, "Stalled"))["Stalled"]
    assert why == "TagsUnreadable" and "lambda:ListTags" in message
    assert {*operations(aws.journal(since=mark))} <= {"GetFunction", "ListFunctions"}
    aws.settings(denied={})
    settled(cluster, "blind", namespace)


def test_a_missing_permission_is_named_and_waited_for(cluster, aws, serve, namespace):
    aws.settings(denied={"kubelambda": ["CreateFunction"]})
    cluster.apply(function("denied", namespace))
    why, message = wait_for(lambda: (found := reason(cluster, "denied", namespace))[0] == "AccessDenied" and found)
    assert "allow lambda:CreateFunction" in message
    aws.settings(denied={})
    settled(cluster, "denied", namespace)


def test_our_clock_may_be_wrong(cluster, aws, serve, namespace):
    aws.settings(clock_offset_s=3600)
    made(cluster, "clock", namespace)
    aws.settings(clock_offset_s=0)
    made(cluster, "clock", namespace, memorySize=512)


# --- limits ---------------------------------------------------------------------------------------


def test_throttled_calls_are_repeated_when_aws_allows(cluster, aws, serve, namespace):
    one = aws.rule("CreateFunction", times=2, status=429, code="TooManyRequestsException", message="Rate exceeded", headers={"Retry-After": "2"})
    began = time.monotonic()
    made(cluster, "throttled", namespace)
    assert aws.hits(one) == 2 and time.monotonic() - began >= 4
    times = [entry["time"] for entry in aws.journal("CreateFunction") if entry["name"] == "preview-throttled"]
    assert all(later - earlier > 1.9 for earlier, later in zip(times, times[1:], strict=False))


def apply_all(cluster, namespace, method, count=ROLLOUT, **spec):
    """At once and without kubectl, which would be what takes the time."""
    path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"

    def send(number):
        one = function(f"many-{number}", namespace, **spec)
        if method == "POST":
            status, _ = cluster.request("POST", path, one)
        else:
            body = {"spec": spec}
            status, _ = cluster.request("PATCH", f"{path}/many-{number}", body, "application/merge-patch+json")
        return status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(count))) <= {200, 201}


def all_settled(cluster, namespace, count=ROLLOUT):
    found = cluster.functions(namespace).values()
    return len(found) == count and all(is_settled(one) for one in found)


def counted(entries):
    """Calls per function."""
    return collections.Counter((one["name"] or "").rpartition(":")[2] for one in entries)


def test_a_rollout_of_150_functions_keeps_to_the_limits(cluster, aws, serve, namespace):
    aws.settings(pending_ms=2000)
    mark = aws.mark()
    apply_all(cluster, namespace, "POST")
    wait_for(lambda: all_settled(cluster, namespace), seconds=60, what="150 functions")
    calls = aws.journal(since=mark)
    assert max(counted(calls).values()) <= 4
    assert len(calls) <= 4 * ROLLOUT
    assert sum(one["status"] == 429 for one in calls) <= 3
    assert "GetFunction" in operations(calls)[: ROLLOUT // 2], "the first is Ready long before the last is created"

    mark = aws.mark()
    apply_all(cluster, namespace, "PATCH", code=code("app/2.zip"))
    wait_for(lambda: all_settled(cluster, namespace), seconds=60, what="150 changes")
    calls = aws.journal(since=mark)
    assert max(counted(calls).values()) <= 3 and sum(one["status"] == 429 for one in calls) <= 3
    assert operations(calls).count("UpdateFunctionCode") == ROLLOUT

    serve.stop()
    mark = aws.mark()
    serve.start()
    wait_for(lambda: serve.metric("controller_runtime_reconcile_total") >= ROLLOUT, what="a look at each")
    assert aws.journal(since=mark) == []
    cluster.run("delete", "lf", "--all", "-n", namespace, "--timeout=60s")
    assert sum(one["status"] == 429 for one in aws.journal(since=mark)) <= 3


def test_a_persons_change_overtakes_the_upkeep_of_all_others(cluster, aws, serve_with, namespace):
    """Looking after 100 functions each second is more than eight workers can do with an AWS that slow."""
    serve = serve_with("--resync", "1s", "--rotation", "1s")
    aws.settings(limits=False)
    apply_all(cluster, namespace, "POST", count=100)
    wait_for(lambda: all_settled(cluster, namespace, 100), seconds=60, what="100 functions")
    aws.rule("GetFunction", name="preview-many-*", delay_ms=250)
    wait_for(lambda: serve.metric("workqueue_depth") > 40, what="a long line")
    began = time.monotonic()
    made(cluster, "person", namespace)
    took = time.monotonic() - began
    assert serve.metric("workqueue_depth") > 40
    assert took < 3, took
    aws.rules_off()
    cluster.run("delete", "lf", "--all", "-n", namespace, "--timeout=60s")
