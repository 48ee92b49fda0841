"""New functions, new code and a rollback, with the whole of kubelambda against the scripted AWS."""

import collections
import concurrent.futures
import json
import time

from harness import conditions, get_url, is_settled, wait_for
from scale import PATH, Api

FUNCTIONS = 150
WRITES_PER_S = 15  # what AWS allows; each function takes one write
NAMESPACE = "rollout"
SECONDS = 120


def say(text=""):
    print(text, flush=True)


def declared(number, key):
    return {
        "apiVersion": "kubelambda.io/v1alpha1",
        "kind": "LambdaFunction",
        "metadata": {"name": f"function-{number:03}", "namespace": NAMESPACE},
        "spec": {
            "functionName": f"rollout-function-{number:03}",
            "region": "us-east-1",
            "code": {"s3Bucket": "artifacts", "s3Key": key},
            "runtime": "python3.13",
            "handler": "app.handler",
            "role": "arn:aws:iam::123456789012:role/fake",
            "memorySize": 256,
        },
    }


def apply_all(stage, key):
    def some(numbers):
        api = Api(stage.cluster)
        for number in numbers:
            path = f"{PATH.format(NAMESPACE)}/function-{number:03}?fieldManager=bench&force=true"
            headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/apply-patch+yaml"}
            api.connection.request("PATCH", path, json.dumps(declared(number, key)), headers)
            answer = api.connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise AssertionError(f"apply: {answer.status} {text[:500]}")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(some, range(i, FUNCTIONS, 4)) for i in range(4)]:
            done.result()


def leads(server):
    metrics = get_url(f"http://127.0.0.1:{server.metrics}/metrics")[1]
    return 'leader_election_master_status{name="kubelambda"} 1' in metrics


def waiting(api, key):
    """What those say that are not Ready with this code, by how many say so."""
    items = api.ask("GET", PATH.format(NAMESPACE))["items"]
    left = [one for one in items if one["spec"]["code"]["s3Key"] != key or not is_settled(one)]
    return collections.Counter(str(conditions(one).get("Ready")) for one in left) + collections.Counter(absent=FUNCTIONS - len(items))


def wait_ready(api, key, began):
    """Seconds until the first and until the last was seen to be Ready."""
    first = None
    while left := waiting(api, key):
        seconds = time.monotonic() - began
        if seconds > SECONDS:
            raise AssertionError(f"after {SECONDS} s these are not Ready: {left}")
        if left.total() < FUNCTIONS and first is None:
            first = seconds
        time.sleep(0.2)
    seconds = time.monotonic() - began
    return first or seconds, seconds


def step(stage, server, api, key, pending_ms):
    """One change of all functions: seconds until one and until all are Ready, also as a multiple of what AWS's
    limits take; calls and CPU a function."""
    before, cpu, began = len(stage.fake.journal()), server.cpu_s(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        applied = pool.submit(apply_all, stage, key)
        first, seconds = wait_ready(api, key, began)
        applied.result()
    calls = stage.fake.journal()[before:]
    return {
        "first": first,
        "seconds": seconds,
        "of_the_limits": seconds / (FUNCTIONS / WRITES_PER_S + pending_ms / 1000),
        "calls_each": len(calls) / FUNCTIONS,
        "throttled": sum(1 for one in calls if one["status"] == 429),
        "cpu_ms_each": 1000 * (server.cpu_s() - cpu) / FUNCTIONS,
        "rss_kib": server.memory_kib(),
        "operations": {name: sum(1 for one in calls if one["operation"] == name) for name in {one["operation"] for one in calls}},
    }


def roll(stage, limits, pending_ms):
    """With the published limits, 15 calls a second: their own bound is one write a function."""
    stage.fake.reset()
    stage.fake.settings(limits=limits, pending_ms=pending_ms, update_ms=pending_ms)
    for number in (1, 2):
        stage.fake.upload(f"app/{number}.zip", f"version = {number}\n")
    stage.cluster.namespace(NAMESPACE, "preview")
    server = stage.kubelambda()
    api = Api(stage.cluster)
    wait_for(lambda: leads(server), what="the controller having been elected")
    steps = {}
    for name, key in (("new", "app/1.zip"), ("new code", "app/2.zip"), ("rollback", "app/1.zip")):
        steps[name] = step(stage, server, api, key, pending_ms)
    began = time.monotonic()
    api.ask("DELETE", PATH.format(NAMESPACE), {"kind": "DeleteOptions", "apiVersion": "v1"})
    wait_for(lambda: not api.ask("GET", PATH.format(NAMESPACE))["items"], seconds=SECONDS, what="all functions being gone")
    steps["deleted"] = {"seconds": time.monotonic() - began}
    server.stop()
    return steps


def part_rollout(stage):
    """150 functions: created, all given new code, all rolled back."""
    results = {}
    say(f"\nRollout of {FUNCTIONS} functions, until every one is Ready")
    say(f"{'':40}{'first':>6}{'all, s':>8}{'x limits':>10}{'calls each':>12}{'refused (429)':>15}{'CPU-ms each':>13}{'MiB':>8}")
    for title, limits, pending_ms in (("AWS's limits, 1 s in Pending", True, 1000), ("no limits, no Pending", False, 0)):
        results[title] = roll(stage, limits, pending_ms)
        for name, one in results[title].items():
            if "calls_each" in one:
                say(
                    f"{title + ': ' + name:40}{one['first']:6.1f}{one['seconds']:8.1f}{one['of_the_limits']:10.2f}{one['calls_each']:12.2f}{one['throttled']:15}"
                    f"{one['cpu_ms_each']:13.2f}{one['rss_kib'] / 1024:8.1f}"
                )
            else:
                say(f"{title + ': ' + name:40}{one['seconds']:14.1f}")
    return results
