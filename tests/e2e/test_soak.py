"""All that happens to kubelambda in months, in minutes: changes, reviews, faults of AWS, cuts, restarts of the API
server, new keys, another authority. Afterwards everything is as declared, and nothing grew. SOAK_MINUTES says how
long, KUBELAMBDA which build (`make soak`: half an hour of the release build)."""

import contextlib
import json
import os
import pathlib
import random
import re
import statistics
import threading
import time
import traceback

import pytest
from harness import Serve, function, is_settled, wait_for
from proxy import Proxy
from replicas import SECRET
from test_faults import api_server_down, cpu_seconds
from test_policy import policy
from test_storms import FAULTS

pytestmark = pytest.mark.scripted_aws(pending_ms=300, update_ms=300)

MINUTES = float(os.environ.get("SOAK_MINUTES", "0.75"))
LONG = MINUTES >= 10  # caches are full and the allocator's arenas have their size before the second third
FUNCTIONS = 24
FAULTS_EACH = 5
RARELY = max(2, int(MINUTES / 5))  # restarts of the API server, and as many authorities
IDLE_S = 20 if LONG else 5
IDLE_SHARE = 0.01  # of a core, while twenty functions are looked at every 20 seconds
# Medians of the last third above those of the second. Some hundred kilobytes come and go with what the allocator
# keeps; in a third of half an hour are 4,000 reviews and 6,600 calls to AWS, and 64 bytes that each of either loses
# would show. In a minute only what each of a few hundred loses does; for memory there is the leak sanitizer.
GROWTH = {"memory": 256 << 10, "descriptors": 4, "threads": 1} if LONG else {"descriptors": 16, "threads": 2}

PATH = "/apis/kubelambda.io/v1alpha1/namespaces/{}/lambdafunctions"
POLICY = "/apis/kubelambda.io/v1alpha1/lambdapolicies/soak"
APPLY, FORCED = "application/apply-patch+yaml", "?fieldManager=soak&force=true"
# What a function may have beside what it must; each is there every other time.
MEMBERS = {
    "memorySize": (128, 256, 512),
    "code": tuple({"s3Bucket": "artifacts", "s3Key": f"app/{i}.zip"} for i in (1, 2)),
    "description": ("one", "another"),
    "environment": tuple({"variables": {"STAGE": text}} for text in ("a", "b" * 2000)),
    "tags": ({"team": "blue"}, {"team": "red", "cost": "1"}),
    "reservedConcurrency": (1, 2),
    "asyncInvoke": ({"maximumRetryAttempts": 1},),
    "functionUrl": ({"authType": "AWS_IAM"},),
    "versions": ({"publish": "OnChange", "keep": 1},),
}


class Keys:
    """The file of credentials; each rotation makes the ones before expire."""

    def __init__(self, aws, file):
        self.aws, self.file, self.number = aws, file, 0
        self.rotate()

    def put(self, number, expires=None):
        key = {"id": f"AKIASOAK{number}", "secret": str(number) * 20, "token": f"token-{number}"}
        self.aws.control("POST", "keys", {**key, "user": "kubelambda", "expires": expires})
        return key

    def rotate(self):
        if self.number:
            self.put(self.number, expires=1)
        self.number += 1
        key = self.put(self.number)
        self.file.write_text(
            f"[default]\naws_access_key_id = {key['id']}\naws_secret_access_key = {key['secret']}\n"
            f"aws_session_token = {key['token']}\n",
            encoding="utf-8",
        )


class Soak:
    """What is done all the time, each on a thread of its own, until it is over."""

    def __init__(self, cluster, aws, serve, namespace, kube, keys):
        self.cluster, self.aws, self.serve, self.namespace, self.kube, self.keys = cluster, aws, serve, namespace, kube, keys
        self.over, self.serving = threading.Event(), threading.Lock()
        self.done = {"reviews": 0, "changes": 0, "disturbances": 0, "faults": 0, "again": 0}
        self.declared, self.wrong, self.samples, self.upsets = {}, [], [], 0

    def repeat(self, what, pause):
        def run():
            while not self.over.wait(pause):
                try:
                    what()
                except Exception as error:  # a thread that ends quietly would be a load that is not there
                    self.wrong.append(f"{time.strftime('%T')} {''.join(traceback.format_exception(error))}")

        return threading.Thread(target=run)

    def ask(self, method, path, body, expected, content_type="application/json"):
        """One request to the API server, which must answer so; while it is away, it waits."""
        with self.serving:
            status, answer = self.cluster.request(method, path, body, content_type)
            if status == 503 and "try again" in str(answer):
                self.done["again"] += 1
                status, answer = self.cluster.request(method, path, body, content_type)
        assert status in expected, f"{method} {path}: {status} {str(answer)[:300]}"
        return answer

    def review(self):
        path = PATH.format(self.namespace) + "?dryRun=All"
        self.ask("POST", path, function("right", self.namespace, memorySize=256), [201])
        self.ask("POST", path, function("wrong", self.namespace, runtime="cobol", memorySize=1), [422])
        self.done["reviews"] += 2

    def change(self):
        name = f"soak-{random.randrange(FUNCTIONS)}"
        path = f"{PATH.format(self.namespace)}/{name}"
        if random.random() < 0.15:
            self.ask("DELETE", path, None, [200, 404])
            self.declared.pop(name, None)
        else:
            chosen = {key: random.choice(some) for key, some in MEMBERS.items() if random.random() < 0.5}
            wanted = function(name, self.namespace, **chosen)
            answer = self.ask("PATCH", path + FORCED, wanted, [200, 201], APPLY)
            if "deletionTimestamp" not in answer["metadata"]:  # else it goes all the same
                self.declared[name] = wanted["spec"]
        if random.random() < 0.1:
            most = random.choice((128, 512))
            wanted = policy("soak", self.namespace, enforcement="Warn", allow={"memorySize": {"max": most}})
            self.ask("PATCH", POLICY + FORCED, wanted, [200, 201], APPLY)
        self.done["changes"] += 1

    def disturb(self):
        random.choice((self.fail, self.fail, self.cut, self.keys.rotate, self.meddle))()
        self.done["disturbances"] += 1

    def fail(self):
        self.aws.rules_off()
        self.aws.rule("*", name="preview-soak-*", times=FAULTS_EACH, **random.choice(FAULTS))
        self.done["faults"] += FAULTS_EACH

    def cut(self):
        """All that kubelambda has with the API server; a review that reads its young namespace there would be refused."""
        with self.serving:
            self.kube.cut()

    def meddle(self):
        """Somebody else changes a function, if it is there and at rest."""
        name = f"preview-soak-{random.randrange(FUNCTIONS)}"
        refused = self.aws.functions.exceptions
        with contextlib.suppress(refused.ResourceNotFoundException, refused.ResourceConflictException):
            self.aws.functions.update_function_configuration(FunctionName=name, MemorySize=1024)

    def upset(self):
        """What happens rarely: the API server crashes, the authority is replaced."""
        self.upsets += 1
        if self.upsets % 2 == 0:
            self.ask("DELETE", SECRET, None, [200])
            return
        with self.serving:
            with api_server_down(self.cluster):
                pass
            # It refuses what it has not read yet.
            wait_for(lambda: self.cluster.request("GET", PATH.format(self.namespace))[0] == 200, what="the resources")
            wait_for(self.serve.is_asked, what="the webhook")

    def sample(self):
        process = pathlib.Path(f"/proc/{self.serve.process.pid}")
        status = (process / "status").read_text(encoding="ascii")
        self.samples.append(
            {
                "memory": int(re.search(r"RssAnon:\s+(\d+)", status)[1]) << 10,
                "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
                "descriptors": len(list((process / "fd").iterdir())),
            }
        )

    def run(self, seconds):
        threads = [self.repeat(self.review, 0.2), self.repeat(self.change, 0.6), self.repeat(self.disturb, 3),
                   self.repeat(self.upset, seconds / (2 * RARELY + 1)), self.repeat(self.sample, min(5, seconds / 60))]  # fmt: skip
        for one in threads:
            one.start()
        time.sleep(seconds)
        self.over.set()
        for one in threads:
            one.join()

    def unlike(self):
        """The functions that are not as declared: of the resources each Ready, and AWS with what is declared.
        What is not stays as somebody else set it."""
        found = self.cluster.functions(self.namespace)
        pages = self.aws.functions.get_paginator("list_functions").paginate()
        made = {one["FunctionName"].removeprefix("preview-"): one for one in pages.search("Functions[]")}
        return {
            name: (found.get(name, {}).get("status"), made.get(name))
            for name in {*found, *made, *self.declared}
            if not (name in self.declared and is_settled(found.get(name)) and self.is_like(name, made.get(name)))
        }

    def is_like(self, name, seen):
        wanted = self.declared[name]
        return seen and (seen["CodeSha256"], seen["MemorySize"]) == (
            self.aws.sha256(wanted["code"]["s3Key"]), wanted.get("memorySize", seen["MemorySize"])
        )  # fmt: skip

    def thirds(self):
        """Of each figure the medians of the second and the last third of the time."""
        size = len(self.samples) // 3
        middle, last = self.samples[size:-size], self.samples[-size:]
        return {key: [statistics.median(one[key] for one in some) for some in (middle, last)] for key in self.samples[0]}


def test_nothing_grows_and_all_is_as_declared_after_everything_happened_at_once(cluster, aws, namespace, tmp_path):
    kube = Proxy(cluster.server()[0])
    env = {name: value for name, value in aws.env().items() if not name.endswith(("KEY_ID", "ACCESS_KEY"))}
    env["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / "credentials")
    keys = Keys(aws, tmp_path / "credentials")
    config = cluster.config_by(f"https://127.0.0.1:{kube.port}", tmp_path)
    serve = Serve(cluster, env, tmp_path / "serve", "--resync", "20s", "--ca-settle", "2s", kubeconfig=config)
    try:
        soak = Soak(cluster, aws, serve, namespace, kube, keys)
        soak.run(60 * MINUTES)
        aws.rules_off()
        assert not soak.wrong, "\n".join(soak.wrong)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: not soak.unlike(), 90)
        assert soak.unlike() == {}

        before = cpu_seconds(serve.process.pid)
        time.sleep(IDLE_S)
        idle = (cpu_seconds(serve.process.pid) - before) / IDLE_S
        thirds = soak.thirds()
        calls = serve.calls()
        print(json.dumps({"minutes": MINUTES, **soak.done, "upsets": soak.upsets, "calls": calls, "idle": idle, **thirds}))
        assert {key: thirds[key] for key, most in GROWTH.items() if thirds[key][1] - thirds[key][0] > most} == {}
        assert idle < IDLE_SHARE
        assert [line for line in serve.log().splitlines() if '"level":"error"' in line] == []
        cluster.empty(namespace)
        assert serve.stop() == 0
    finally:
        cluster.request("DELETE", POLICY)
        serve.kill()
        kube.off()
