"""The real parts and kubelambda beside them, as the end-to-end tests and the demo start them."""

import base64
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "aws"))
from client import client, read_env  # noqa: E402,F401
from fake_aws import Fake  # noqa: E402

KUBE_BIN = pathlib.Path(os.environ["KUBE_BIN"])
BINARY = ROOT / os.environ.get("KUBELAMBDA", "build/kubelambda-sanitized")
UNDER = os.environ.get("KUBELAMBDA_UNDER", "").split()  # a program that runs each `serve`, and its options


INSTALLED = [f"manifests/{name}.yaml" for name in ("namespace", "crd", "crd-lambdapolicies", "rbac")]
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kubelambda-system/leases/kubelambda"
given_ports = set()


def trusting(ca_base64):
    """A TLS context that trusts these authorities and no others."""
    return ssl.create_default_context(cadata=base64.b64decode(ca_base64).decode())


def die_with_parent():
    """In a child before its program: whatever ends the tests, also a KILL, leaves nothing running."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def free_port():
    """Below the range from which the kernel serves outgoing connections, so still free for a restart."""
    while True:
        port = random.randrange(10000, 20000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in given_ports:
                given_ports.add(port)
                return port


def wait_for(condition, seconds=20, what="the condition"):
    """The first true answer of condition(); AssertionError with the last one after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s; last: {answer!r}")
        time.sleep(0.1)


def get_url(url):
    """Status and body, whatever the status; (0, reason) where nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def run_up(part, directory):
    subprocess.run([ROOT / "tests" / part / "up", directory, "--owner", str(os.getpid())], check=True)


class Cluster:
    """A real API server with its etcd; the CRD and the product's own role are installed."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.namespaces = []  # the names of those that were made here
        try:
            run_up("cluster", self.directory)
            self.apply_file(*INSTALLED)
            wait_for(
                lambda: self.run("get", "lambdafunctions", "-A", check=False).returncode == 0,
                what="the API server serving LambdaFunctions",
            )
        except BaseException:  # Ctrl-C, too
            self.stop()
            raise

    def config(self, user):
        return self.directory / ("kubeconfig" if user == "admin" else f"{user}.kubeconfig")

    def server(self):
        """The port of the API server, and its authority in base64."""
        cluster = yaml.safe_load(self.config("kubelambda").read_text(encoding="utf-8"))["clusters"][0]["cluster"]
        return int(cluster["server"].rpartition(":")[2]), cluster["certificate-authority-data"]

    def config_by(self, url, directory):
        """A kubeconfig for kubelambda by which it meets the API server there, where something passes on."""
        text = self.config("kubelambda").read_text(encoding="utf-8")
        path = pathlib.Path(directory) / "kubeconfig"
        path.write_text(re.sub(r"server: \S+", f"server: {url}", text), encoding="utf-8")
        return path

    def run(self, *arguments, stdin=None, check=True, user="admin"):
        """kubectl; the result has returncode, stdout and stderr."""
        result = subprocess.run(
            [KUBE_BIN / "kubectl", "--kubeconfig", self.config(user), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory)},
            timeout=60,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {result.stderr}")
        return result

    def apply_file(self, *paths):
        self.run("apply", *[f"-f{ROOT / path}" for path in paths])

    def apply(self, *objects, check=True, flags=(), user="admin"):
        self.namespaces += [one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"]
        documents = "\n---\n".join(json.dumps(one) for one in objects)
        return self.run("apply", *flags, "-f", "-", stdin=documents, check=check, user=user)

    def replace(self, resource):
        """Again where somebody wrote between kubectl's look and its write, as a person would."""

        def replaced():
            result = self.run("replace", "-f", "-", stdin=json.dumps(resource), check=False)
            assert result.returncode == 0 or "(Conflict)" in result.stderr, result.stderr
            return result.returncode == 0

        wait_for(replaced, what="the replacement")

    def get(self, kind, name, namespace=None):
        """The object, or None when there is none."""
        scope = ["-n", namespace] if namespace else []
        result = self.run("get", kind, name, *scope, "-o", "json", "--ignore-not-found")
        return json.loads(result.stdout) if result.stdout else None

    def request(self, method, path, body=None, content_type="application/json"):
        """Straight to the API server as its admin, without kubectl's start-up time: status and object."""
        config = yaml.safe_load(self.config("admin").read_text(encoding="utf-8"))
        server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        trust = trusting(server["certificate-authority-data"])
        connection = http.client.HTTPSConnection(server["server"].split("//")[1], context=trust, timeout=60)
        headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": content_type}
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def functions(self, namespace):
        """Name -> LambdaFunction, of all in the namespace."""
        path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"
        return {one["metadata"]["name"]: one for one in self.request("GET", path)[1]["items"]}

    def namespace(self, name, environment=None):
        labels = {"kubelambda.io/environment": environment} if environment else {}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        return name

    def empty(self, namespace):
        """Deletes the functions in it; by force where nobody answers for them any more."""
        if not self.functions(namespace):
            return
        gone = self.run("delete", "lambdafunctions", "--all", "--timeout=20s", "-n", namespace, check=False)
        if gone.returncode == 0:
            return
        self.unhook()
        self.abandon(namespace)

    def unhook(self):
        """From now on nobody is asked about functions."""
        for kind in ("mutating", "validating"):
            self.run("delete", f"{kind}webhookconfigurations", "kubelambda", "--ignore-not-found")

    def abandon(self, namespace):
        """Deletes the functions in it without waiting for anybody; in AWS they may stay."""
        path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"
        self.request("DELETE", path)
        for name in self.functions(namespace):
            patch = {"metadata": {"finalizers": None}}
            self.request("PATCH", f"{path}/{name}", patch, "application/merge-patch+json")

    def stop(self):
        subprocess.run([ROOT / "tests/cluster/down", self.directory], check=True)


class Aws:
    """The AWS emulator with signature checking on; `admin` and `kubelambda` are two users of it."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        try:
            run_up("aws", self.directory)
        except BaseException:
            self.stop()
            raise
        self.functions = client("lambda", self.directory / "admin.env")
        self.objects = client("s3", self.directory / "admin.env")

    def env(self, user="kubelambda"):
        return read_env(self.directory / f"{user}.env")

    def upload(self, key, text="def handler(event, context):\n    return event\n", bucket="artifacts"):
        """Puts a zip of one file with that text; the answer of PutObject."""
        import io
        import zipfile

        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr(zipfile.ZipInfo("app.py", (2020, 1, 1, 0, 0, 0)), text)
        return self.objects.put_object(
            Bucket=bucket, Key=key, Body=archive.getvalue(), ChecksumAlgorithm="SHA256"
        )

    def function(self, name):
        """GetFunction's answer, or None when there is none."""
        try:
            return self.functions.get_function(FunctionName=name)
        except self.functions.exceptions.ResourceNotFoundException:
            return None

    def empty(self, namespaces):
        """Deletes the functions whose owner's tag names one of these namespaces."""
        pages = self.functions.get_paginator("list_functions").paginate()
        for one in [one for page in pages for one in page["Functions"]]:
            with contextlib.suppress(self.functions.exceptions.ResourceNotFoundException):  # just deleted
                tags = self.functions.list_tags(Resource=one["FunctionArn"])["Tags"]
                if tags.get("kubelambda.io/owner", "//").split("/")[1] in namespaces:
                    self.functions.delete_function(FunctionName=one["FunctionArn"])

    def stop(self):
        subprocess.run([ROOT / "tests/aws/down", self.directory], check=True)


class FakeAws(Fake, Aws):
    """The scripted AWS in the emulator's place: states that take time, limits, refusals, faults."""

    def __init__(self, directory, **settings):
        super().__init__(directory)
        self.usual = self.settings(**settings)

    def as_usual(self):
        """No rules, and the settings from the start."""
        self.rules_off()
        self.settings(**self.usual)


class Serve:
    """kubelambda serve, as the user that is bound to the product's own role."""

    def __init__(
        self, cluster, aws_env, directory, *options,
        ready=True, kubeconfig=None, service=None, binary=BINARY, under=UNDER,
    ):  # fmt: skip
        """`under`: a program that runs it, and its options."""
        self.cluster = cluster
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, self.health, self.metrics = free_port(), free_port(), free_port()
        self.log_path = self.directory / "kubelambda.log"
        self.arguments = [
            *under, binary, "serve",
            "--kubeconfig", kubeconfig or cluster.config("kubelambda"),
            "--listen", f"127.0.0.1:{self.port}",
            *(["--service", service] if service else ["--webhook-url", f"https://127.0.0.1:{self.port}"]),
            "--health-listen", f"127.0.0.1:{self.health}",
            "--metrics-listen", f"127.0.0.1:{self.metrics}",
            *options,
        ]  # fmt: skip
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            **aws_env,
        }
        self.start(ready)

    def start(self, ready=True):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                preexec_fn=die_with_parent,
            )
        try:
            if ready:
                wait_for(self.is_ready, 60, what="kubelambda becoming ready")
            if ready and "--no-webhook" not in self.arguments:
                wait_for(self.is_asked, what="the API server calling this kubelambda")
        except BaseException as error:
            self.kill()
            error.add_note(f"the end of its log:\n{self.log()[-4000:]}")
            raise

    def is_ready(self):
        assert self.process.poll() is None, f"kubelambda ended with {self.process.returncode}:\n{self.log()}"
        return get_url(f"http://127.0.0.1:{self.health}/readyz")[0] == 200

    def leads(self):
        return self.metric("leader_election_master_status", name="kubelambda") == 1

    def is_asked(self):
        """The API server learns of changed webhook configurations by its own watch, a little later."""
        path = "/apis/kubelambda.io/v1alpha1/namespaces/default/lambdafunctions?dryRun=All"
        self.cluster.request("POST", path, function("is-the-webhook-asked", "default", code={}))
        return self.metric("controller_runtime_webhook_requests_total", webhook="/validate") > 0

    def log(self):
        return self.log_path.read_text(encoding="utf-8")

    def metric(self, name, /, **labels):
        """The sum over the series of that name that have these labels."""
        lines = get_url(f"http://127.0.0.1:{self.metrics}/metrics")[1].splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = [line for line in lines if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found if all(one in line for one in wanted))

    def calls(self, *operations):
        """How often these operations of the Lambda API were called since the start; none named: all."""
        total = "kubelambda_aws_requests_total"
        if not operations:
            return self.metric(total, service="lambda")
        return sum(self.metric(total, service="lambda", operation=one) for one in operations)

    def writes(self):
        """How often something was changed in AWS since the start."""
        return self.calls() - self.calls(
            "GetFunction",
            "ListFunctions",
            "GetFunctionEventInvokeConfig",
            "GetFunctionRecursionConfig",
            "GetRuntimeManagementConfig",
            "GetFunctionCodeSigningConfig",
            "GetProvisionedConcurrencyConfig",
            "ListAliases",
            "ListVersionsByFunction",
        )

    def stop(self, seconds=20):
        """SIGTERM; the exit status. A sanitizer's finding or a leak is a failure."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"kubelambda did not stop within {seconds} s:\n{self.log()}") from None
        self.assert_sane()
        return status

    def assert_sane(self):
        found = [one for one in ("ERROR: ", "runtime error", "WARNING: ThreadSanitizer") if one in self.log()]
        assert not found, self.log()

    def kill(self):
        """SIGKILL, as by a machine that is gone. Its lease goes too, so that nobody has to wait for the end
        of that."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            holder = self.cluster.request("GET", LEASE)[1].get("spec", {}).get("holderIdentity")
            if holder and holder in self.log():
                self.cluster.request("DELETE", LEASE)


def function(name, namespace, /, **spec):
    """A LambdaFunction that is right; `spec` overrides members, None removes one."""
    declared = {
        "code": {"s3Bucket": "artifacts", "s3Key": "app/1.zip"},
        "runtime": "python3.13",
        "handler": "app.handler",
        "role": "arn:aws:iam::123456789012:role/fake",
        **spec,
    }
    return {
        "apiVersion": "kubelambda.io/v1alpha1",
        "kind": "LambdaFunction",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {key: value for key, value in declared.items() if value is not None},
    }


def conditions(resource):
    """Condition type -> (status, reason, message)."""
    found = (resource or {}).get("status", {}).get("conditions", [])
    return {one["type"]: (one["status"], one["reason"], one["message"]) for one in found}


def is_settled(resource, condition="Ready", status="True"):
    """Does the status speak of the newest generation, and is the condition so?"""
    seen = (resource or {}).get("status", {}).get("observedGeneration")
    if not resource or seen != resource["metadata"]["generation"]:
        return False
    return conditions(resource).get(condition, ("",))[0] == status


def settled(cluster, name, namespace, condition="Ready", status="True", seconds=30):
    """Waits until the condition has that status for the newest generation; the resource."""

    def look():
        resource = cluster.functions(namespace).get(name)
        return resource if is_settled(resource, condition, status) else None

    with contextlib.suppress(AssertionError):
        return wait_for(look, seconds)
    last = cluster.functions(namespace).get(name)
    raise AssertionError(f"{namespace}/{name} did not get {condition}={status} within {seconds} s: {last}")


def all_ready(cluster, namespace, count, seconds=60):
    """Waits until so many functions are in the namespace, each as declared."""

    def look():
        resources = cluster.functions(namespace)
        return len(resources) == count and all(map(is_settled, resources.values()))

    wait_for(look, seconds, f"{count} functions ready")
