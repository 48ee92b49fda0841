"""The API server between: dry-run applies with and without webhooks; and what thousands of resources cost."""

import base64
import concurrent.futures
import contextlib
import copy
import http.client
import json
import time

import reviews
import servers
import yaml
from harness import get_url, trusting, wait_for
from proxy import Proxy

PATH = "/apis/kubelambda.io/v1alpha1/namespaces/{}/lambdafunctions"
WATCH = "/apis/kubelambda.io/v1alpha1/lambdafunctions?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
NAMES, POLICIES = 10_000, 1_000


def say(text=""):
    print(text, flush=True)


class Api:
    """The API server as its admin, over one connection."""

    def __init__(self, cluster):
        config = yaml.safe_load(cluster.config("admin").read_text(encoding="utf-8"))
        server = config["clusters"][0]["cluster"]
        self.token = config["users"][0]["user"]["token"]
        self.address = server["server"].split("//")[1]
        self.port = int(self.address.rsplit(":", 1)[1])
        self.connection = http.client.HTTPSConnection(self.address, context=trusting(server["certificate-authority-data"]), timeout=60)

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:500]}")
        return json.loads(text)


# --- applies ------------------------------------------------------------------------------------


def configuration(kind, path, server, stage):
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "bench"},
        "webhooks": [
            {
                "name": "bench.kubelambda.io",
                "clientConfig": {
                    "url": f"https://127.0.0.1:{server.port}{path}",
                    "caBundle": base64.b64encode((stage.certificates / "tls.crt").read_bytes()).decode(),
                },
                "rules": [
                    {"apiGroups": ["kubelambda.io"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                     "resources": ["lambdafunctions"]}
                ],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }  # fmt: skip


@contextlib.contextmanager
def registered(stage, server):
    """The API server asks this webhook for the time being; None: none."""
    kinds = {"MutatingWebhookConfiguration": "/mutate", "ValidatingWebhookConfiguration": "/validate"}
    if server:
        stage.cluster.apply(*[configuration(kind, path, server, stage) for kind, path in kinds.items()])
    time.sleep(2)  # until the API server's own watch has told it
    try:
        yield
    finally:
        stage.cluster.run("delete", "--ignore-not-found", *[f"{kind.lower()}/bench" for kind in kinds])


def applies(stage, file, api, server):
    api_server = int((stage.cluster.directory / "pids/kube-apiserver").read_text(encoding="ascii").split()[0])
    with registered(stage, server):
        servers.load(api.port, file, 8, 1)
        before, api_before = (server.cpu_s() if server else 0), servers.cpu_of(api_server)
        seen = servers.load(api.port, file, 8, stage.seconds + 2)
        if seen["failed"] or not seen["answered"]:
            raise AssertionError(f"dry-run applies failed: {seen}")
        return {
            "per_s": seen["answered"] / seen["seconds"],
            "p99_us": seen["p99_us"],
            "api_server_cpu_us": 1e6 * (servers.cpu_of(api_server) - api_before) / seen["answered"],
            "webhook_cpu_us": 1e6 * ((server.cpu_s() if server else 0) - before) / seen["answered"],
        }


def part_apply(stage):
    """Server-side dry-run applies through the real API server: without webhooks, with ours, with the peer's."""
    api = Api(stage.cluster)
    resource = reviews.small()
    for dropped in ("uid", "creationTimestamp", "generation", "managedFields"):
        del resource["metadata"][dropped]
    path = f"{PATH.format('default')}/fake-function?dryRun=All&fieldManager=bench&force=true"
    file = servers.request(
        stage.directory, "apply", "PATCH", path, resource,
        headers=[f"Authorization: Bearer {api.token}", "Content-Type: application/apply-patch+yaml"],
    )  # fmt: skip
    stage.settle()
    compared = {"no webhooks": None, "kubelambda": stage.kubelambda("--no-controller"), "controller-runtime": stage.peer()}
    runs = {name: [] for name in compared}
    for _ in range(max(2, stage.rounds - 2)):
        for name, server in compared.items():
            runs[name].append(applies(stage, file, api, server))
    say("\nServer-side dry-run applies through the API server, 8 clients")
    say(f"{'':34}{'a second':>12}{'p99 ms':>10}{'CPU-µs of the API server':>28}{'CPU-µs of the webhook':>26}")
    results = {}
    for name, some in runs.items():
        results[name] = {what: servers.spread([run[what] for run in some]) for what in some[0]}
        one = {what: value["median"] for what, value in results[name].items()}
        say(f"{name:34}{one['per_s']:12.0f}{one['p99_us'] / 1000:10.1f}{one['api_server_cpu_us']:28.0f}{one['webhook_cpu_us']:26.0f}")
    for server in compared.values():
        if server:
            server.stop()
    return results


# --- thousands ----------------------------------------------------------------------------------


def create_many(stage, path, made):
    """Over a few connections; no webhook is registered meanwhile."""

    def some(objects):
        api = Api(stage.cluster)
        for one in objects:
            api.ask("POST", path, one)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(some, made[i::4]) for i in range(4)]:
            done.result()


def named(number, namespace="many"):
    resource = copy.deepcopy(reviews.settled(reviews.small()))
    for dropped in ("uid", "creationTimestamp", "generation", "managedFields"):
        del resource["metadata"][dropped]
    resource["metadata"] |= {"name": f"function-{number:05}", "namespace": namespace}
    resource["spec"]["functionName"] = f"{namespace}-function-{number:05}"
    return resource


def policy(number):
    return {
        "apiVersion": "kubelambda.io/v1alpha1",
        "kind": "LambdaPolicy",
        "metadata": {"name": f"policy-{number:04}"},
        "spec": {
            "namespaceSelector": {"matchLabels": {"team": f"team-{number:04}"}},
            "priority": number,
            "defaults": {"tags": {"team": f"team-{number:04}"}},
        },
    }


def bare_read_s(stage):
    """What a client that keeps nothing needs to read the same stream."""
    api = Api(stage.cluster)
    began = time.monotonic()
    api.connection.request("GET", WATCH + "&resourceVersion=", headers={"Authorization": f"Bearer {api.token}"})
    answer = api.connection.getresponse()
    while b"k8s.io/initial-events-end" not in answer.readline():
        pass
    api.connection.close()
    return time.monotonic() - began


def ready_after_s(server):
    server.stop()
    began = time.monotonic()
    server.start()
    wait_for(lambda: get_url(f"http://127.0.0.1:{server.health}/readyz")[0] == 200, seconds=120, what="being ready")
    return time.monotonic() - began


def review_cost(stage, server, files):
    """CPU-µs of a review, for each file."""
    costs = {}
    for name, file in files.items():
        servers.measure(server, file, 16, 1, True)
        runs = [servers.measure(server, file, 16, stage.seconds, True) for _ in range(stage.rounds)]
        costs[name] = servers.spread([1e6 / run["per_cpu_s"] for run in runs])
    return costs


def snapshot(stage, server, files, idle_s=20):
    pairs = [(ready_after_s(server), bare_read_s(stage)) for _ in range(5)]
    result = {
        "ready_after_s": servers.spread([ready for ready, _ in pairs]),
        "bare_read_s": servers.spread([read for _, read in pairs]),
        "ready to bare": servers.spread([ready / read for ready, read in pairs]),
    }
    result["rss_kib"] = server.memory_kib()  # of a fresh process that has read everything
    result["peak_kib"] = server.memory_kib("VmHWM")
    result["anon_kib"] = server.memory_kib("RssAnon")
    idle = server.cpu_s()
    time.sleep(idle_s)
    result["idle_cpu_percent"] = 100 * (server.cpu_s() - idle) / idle_s
    result["review_cpu_us"] = review_cost(stage, server, files)
    return result


def part_scale(stage):
    """Nothing, then 10,000 functions, then 1,000 policies as well: memory, restart, idling, a review's cost."""
    files = {name: stage.request(path, review) for name, path, review, allowed in reviews.cases() if name.startswith("2 KB create, ") and allowed}
    stage.settle()
    stage.cluster.namespace("many", "preview")
    server = stage.kubelambda("--no-controller")
    results = {"0 functions, 0 policies": snapshot(stage, server, files)}
    say(f"\ncreating {NAMES} functions")
    create_many(stage, PATH.format("many"), [named(i) for i in range(NAMES)])
    results[f"{NAMES} functions, 0 policies"] = snapshot(stage, server, files, idle_s=60)
    create_many(stage, "/apis/kubelambda.io/v1alpha1/lambdapolicies", [policy(i) for i in range(POLICIES)])
    results[f"{NAMES} functions, {POLICIES} policies"] = snapshot(stage, server, files)
    server.stop()
    say("\nThousands of resources")
    say(f"{'':34}{'MiB':>8}{'peak':>8}{'ready after':>14}{'bare client':>14}{'ratio':>20}{'idle CPU':>10}  CPU-µs of a review (least–most)")
    for name, one in results.items():
        costs = "; ".join(f"{case}: {cost['median']:.0f} ({cost['least']:.0f}–{cost['most']:.0f})" for case, cost in one["review_cpu_us"].items())
        say(
            f"{name:34}{one['rss_kib'] / 1024:8.1f}{one['peak_kib'] / 1024:8.1f}{one['ready_after_s']['median']:12.2f} s"
            f"{one['bare_read_s']['median']:12.2f} s{servers.shown(one['ready to bare']):>20}{one['idle_cpu_percent']:8.2f} %  {costs}"
        )
    return results


# --- watches ------------------------------------------------------------------------------------

RESTARTS, WATCH_S = 100, 11


def part_watches(stage):
    """Cuts all connections to the API server a hundred times. A watch that lived for 10 s is a success, after which
    the next one comes soon; so each lives a little longer."""
    port, _ = stage.cluster.server()
    proxy = Proxy(port)
    stage.cluster.namespace("watched", "preview")
    create_many(stage, PATH.format("watched"), [named(i, "watched") for i in range(1000)])
    server = stage.kubelambda("--no-controller", config=stage.cluster.config_by(f"https://127.0.0.1:{proxy.port}", stage.directory))
    seen = []
    for number in range(RESTARTS + 1):
        time.sleep(WATCH_S)
        seen.append(server.memory_kib("RssAnon"))
        if number % 10 == 0:
            say(f"{number:4} restarts: {seen[-1]} KiB of its own")
        proxy.cut()
    server.stop()
    proxy.off()
    return {"own_kib": seen}
