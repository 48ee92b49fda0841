"""What threads share, under the thread sanitizer: all that kubelambda does, at once and for some seconds.
`make tsan` runs many more tests with it."""

import contextlib
import itertools
import subprocess
import threading
import time

import pytest
from harness import LEASE, ROOT, Serve, function, get_url, wait_for
from replicas import CONFIGURATIONS, SECRET

pytestmark = pytest.mark.scripted_aws

SECONDS = 15
FUNCTIONS = 12
POLICY = {
    "apiVersion": "kubelambda.io/v1alpha1",
    "kind": "LambdaPolicy",
    "metadata": {"name": "races"},
    "spec": {"defaults": {"timeout": 30}, "require": {"tags": {"team": ".*"}}, "enforcement": "Warn"},
}


def unscattered():
    """gcc's thread sanitizer cannot start where the kernel scatters addresses widely."""
    command = ("setarch", "-R")
    return command if subprocess.run([*command, "true"], check=False).returncode == 0 else ()


@contextlib.contextmanager
def again_and_again(*actions):
    """Each in a thread of its own, until the end."""
    over = threading.Event()

    def run(action):
        for number in itertools.count():
            if over.wait(0.05):
                return
            action(number)

    threads = [threading.Thread(target=run, args=(one,)) for one in actions]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in threads:
            one.join()


def test_threads_meet_only_where_they_may(cluster, aws, namespace, tmp_path):
    options = ("--resync", "1s", "--rotation", "2s", "--ca-settle", "1s")
    serve = Serve(cluster, aws.env(), tmp_path, *options, binary=ROOT / "build/kubelambda-tsan", under=unscattered())
    functions = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"
    policies = "/apis/kubelambda.io/v1alpha1/lambdapolicies"
    merge = "application/merge-patch+json"

    def declare(number):
        name = f"race-{number % FUNCTIONS}"
        cluster.request("POST", functions, function(name, namespace))
        cluster.request("PATCH", f"{functions}/{name}", {"spec": {"memorySize": 200 + number}}, merge)
        if number % 7 == 0:
            cluster.request("DELETE", f"{functions}/{name}")

    def ask(number):
        cluster.request("POST", f"{functions}?dryRun=All", function("asked", namespace, memorySize=number))

    def govern(number):
        cluster.request("POST", policies, POLICY)
        cluster.request("DELETE", f"{policies}/races")

    def disturb(number):
        name = f"preview-race-{number % FUNCTIONS}"
        with contextlib.suppress(aws.functions.exceptions.ClientError):
            aws.functions.update_function_configuration(FunctionName=name, Description=str(number))
        if number % 40 == 20:  # the lead is lost and won again, the authority is replaced
            cluster.request("DELETE", LEASE if number % 80 == 20 else SECRET)

    def watch(_):
        for port, path in ((serve.metrics, "metrics"), (serve.health, "readyz")):
            get_url(f"http://127.0.0.1:{port}/{path}")

    try:
        aws.rule("*", name="preview-race-*", skip=50, times=10, status=500, code="ServiceException")
        with again_and_again(declare, ask, govern, disturb, watch):
            time.sleep(SECONDS)
            assert serve.calls("CreateFunction") and serve.calls("ListFunctions")
            status = serve.stop(30)  # in the middle of it
        assert status == 0
        serve.start()
        cluster.run("delete", "lf", "--all", "-n", namespace, "--wait=false")
        wait_for(lambda: not cluster.functions(namespace), 60, "the end of all functions")
        assert serve.stop(30) == 0
    finally:
        serve.kill()
        # The next kubelambda in this cluster would have to wait until its authority has been known for a minute.
        for path in (f"{policies}/races", SECRET, *CONFIGURATIONS):
            cluster.request("DELETE", path)
