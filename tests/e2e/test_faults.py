"""What goes wrong around kubelambda, on purpose: afterwards every function is as declared, by itself."""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest
from harness import BINARY, Serve, all_ready, conditions, free_port, function, settled, wait_for
from proxy import Proxy

OUTAGE_S = float(os.environ.get("KUBELAMBDA_OUTAGE_S", "1"))  # longer than a lease, which is 10 s, by so much
IDLE_CPU_SECONDS = 0.3 if "sanitized" in BINARY.name else 0.1


@contextlib.contextmanager
def serving(cluster, *arguments, **options):
    """kubelambda; before it ends it takes down what the test made."""
    one = Serve(cluster, *arguments, **options)
    try:
        yield one
    finally:
        cluster.run("delete", "lambdafunctions", "--all", "-A", "--timeout=20s", check=False)
        status = one.stop()
    assert status == 0


@pytest.fixture
def endpoint(aws):
    """A switch in front of AWS."""
    proxy = Proxy(urlsplit(aws.env()["AWS_ENDPOINT_URL"]).port)
    yield proxy
    proxy.off()


@pytest.fixture
def aws_env(aws, endpoint):
    return aws.env() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{endpoint.port}"}


@pytest.fixture
def kube(cluster, tmp_path):
    """A switch between kubelambda and the API server; `kube.config` goes through it."""
    proxy = Proxy(cluster.server()[0])
    proxy.config = cluster.config_by(f"https://127.0.0.1:{proxy.port}", tmp_path)
    yield proxy
    proxy.off()


@contextlib.contextmanager
def impostor(status):
    """Something else that listens where AWS should be: every answer is a page with that status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = b"<html><body>nothing like that here</body></html>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def wait_for_reason(cluster, name, namespace, reason):
    """Until it is Reconciling for that reason."""

    def look():
        return conditions(cluster.functions(namespace)[name]).get("Reconciling", ())[:2] == ("True", reason)

    wait_for(look, what=f"Reconciling because of {reason} of {name}")


def owners(aws, prefix):
    """Function name -> its owner's resource, of all functions whose name begins like that."""
    pages = aws.functions.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    mine = [name for name in names if name.startswith(prefix)]
    return {name: aws.function(name)["Tags"]["kubelambda.io/owner"].split("/")[2] for name in mine}


def write_credentials(file, key, secret):
    file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")


def test_wrong_credentials_are_reported_and_recovered_from(cluster, aws, namespace, tmp_path):
    env = aws.env()
    key, secret = env.pop("AWS_ACCESS_KEY_ID"), env.pop("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "credentials"
    write_credentials(file, key, secret)
    with serving(cluster, env | {"AWS_SHARED_CREDENTIALS_FILE": str(file)}, tmp_path) as serve:
        cluster.apply(function("app", namespace))
        settled(cluster, "app", namespace)
        write_credentials(file, key, "wrong" * 8)
        cluster.apply(function("app", namespace, memorySize=256))
        resource = settled(cluster, "app", namespace, "Reconciling")
        status, why, message = conditions(resource)["Ready"]
        assert (status, why) == ("False", "CredentialsRejected") and "SignatureDoesNotMatch" in message
        tries = serve.calls()
        wait_for(lambda: serve.calls() > tries, what="another try")
        write_credentials(file, key, secret)
        settled(cluster, "app", namespace)
        assert aws.function("preview-app")["Configuration"]["MemorySize"] == 256
        assert secret not in serve.log() and "wrongwrong" not in serve.log()


def test_missing_credentials_are_reported_and_recovered_from(cluster, aws, namespace, tmp_path):
    env = aws.env()
    key, secret = env.pop("AWS_ACCESS_KEY_ID"), env.pop("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "credentials"
    env |= {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_EC2_METADATA_DISABLED": "true"}
    with serving(cluster, env, tmp_path):
        cluster.apply(function("app", namespace))
        wait_for_reason(cluster, "app", namespace, "CredentialsRejected")
        write_credentials(file, key, secret)
        settled(cluster, "app", namespace)


def test_aws_that_is_down_is_waited_for(cluster, aws, namespace, tmp_path, endpoint, aws_env):
    aws.upload(f"{namespace}.zip")
    with serving(cluster, aws_env, tmp_path):
        cluster.apply(function("old", namespace))
        settled(cluster, "old", namespace)
        endpoint.off()
        # Admission cannot ask S3 either: it lets the code through with a warning.
        code = {"s3Bucket": "artifacts", "s3Key": f"{namespace}.zip"}
        new = function("new", namespace, code=code)
        answer = cluster.apply(new, function("old", namespace, memorySize=256))
        assert "Warning: spec.code" in answer.stderr
        for name in ("new", "old"):
            wait_for_reason(cluster, name, namespace, "AwsUnavailable")
        endpoint.on()
        all_ready(cluster, namespace, 2)
        assert aws.function("preview-old")["Configuration"]["MemorySize"] == 256


def test_a_function_in_force_stays_ready_over_a_short_outage(cluster, namespace, tmp_path, endpoint, aws_env):
    with serving(cluster, aws_env, tmp_path, "--resync", "1s") as serve:
        cluster.apply(function("app", namespace))
        version = settled(cluster, "app", namespace)["metadata"]["resourceVersion"]
        endpoint.off()
        errors = serve.metric("controller_runtime_reconcile_errors_total")
        wait_for(lambda: serve.metric("controller_runtime_reconcile_errors_total") > errors, what="an error")
        endpoint.on()

        def looks():
            return serve.metric("kubelambda_aws_requests_total", operation="GetFunction", code="200")

        before = looks()
        wait_for(lambda: looks() > before, what="a look that went well")
        assert cluster.functions(namespace)["app"]["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize("status", [404, 500])
def test_an_html_answer_says_nothing_about_functions(
    cluster, aws, namespace, tmp_path, endpoint, aws_env, status
):
    with serving(cluster, aws_env, tmp_path) as serve, impostor(status) as port:
        cluster.apply(function("app", namespace), function("leaving", namespace))
        all_ready(cluster, namespace, 2)
        writes, creates = serve.writes(), serve.calls("CreateFunction")
        endpoint.target = port
        cluster.run("delete", "lf", "leaving", "-n", namespace, "--wait=false")
        patch = '{"spec": {"memorySize": 256}}'
        cluster.run("patch", "lf", "app", "-n", namespace, "--type=merge", "-p", patch)
        for name in ("app", "leaving"):
            wait_for_reason(cluster, name, namespace, "AwsUnavailable")
        time.sleep(2)
        leaving = cluster.functions(namespace)["leaving"]
        assert leaving["metadata"]["finalizers"] == ["kubelambda.io/function"]
        assert (serve.writes(), serve.calls("CreateFunction")) == (writes, creates)

        endpoint.target = urlsplit(aws.env()["AWS_ENDPOINT_URL"]).port
        wait_for(lambda: "leaving" not in cluster.functions(namespace), what="the end of the deleted one")
        all_ready(cluster, namespace, 1)
        assert serve.calls("CreateFunction") == creates
        assert aws.function("preview-leaving") is None
        assert aws.function("preview-app")["Configuration"]["MemorySize"] == 256


def test_what_one_person_writes_into_one_object_keeps_nobody_from_the_others(cluster, aws, namespace, tmp_path):
    """The API server takes NULs in annotations, and managedFields of any depth."""
    fields = {"f:deep": {}}
    for _ in range(300):
        fields = {"f:deep": fields}
    entry = {"manager": "me", "operation": "Update", "apiVersion": "kubelambda.io/v1alpha1", "fieldsType": "FieldsV1"}
    metadata = {"annotations": {"a": "\0"}, "managedFields": [{**entry, "fieldsV1": {"f:spec": fields}}]}
    with serving(cluster, aws.env(), tmp_path) as serve:
        cluster.apply(function("odd", namespace), function("app", namespace))
        settled(cluster, "odd", namespace)
        cluster.run("patch", "lf", "odd", "-n", namespace, "--type=merge", "-p", json.dumps({"metadata": metadata}))
        note = json.dumps({"metadata": {"annotations": {"a": "\0"}}})
        cluster.run("patch", "namespace", namespace, "--type=merge", "-p", note)
        written = cluster.get("lf", "odd", namespace)["metadata"]
        assert written["annotations"]["a"] == "\0"
        cluster.apply(function("app", namespace, memorySize=256))
        settled(cluster, "app", namespace)
        serve.kill()
        serve.start()
        cluster.apply(function("app", namespace, memorySize=512), function("odd", namespace, memorySize=512))
        settled(cluster, "app", namespace)
        settled(cluster, "odd", namespace)
        cluster.run("delete", "lf", "odd", "-n", namespace, "--timeout=30s")
        assert aws.function("preview-odd") is None
        assert aws.function("preview-app")["Configuration"]["MemorySize"] == 512


def process_start(pid):
    """When the kernel says that it began, as the pid files of tests/lib.sh have it."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()[19]


@contextlib.contextmanager
def api_server_down(cluster):
    """Kills the API server and starts it again on the same port and data."""
    pid_file = cluster.directory / "pids/kube-apiserver"
    pid = int(pid_file.read_text(encoding="ascii").split()[0])
    arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")[:-1]
    os.kill(pid, 9)
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}/exe").exists(), what="the API server's end")
    yield
    log_path = cluster.directory / "log/kube-apiserver-again.log"
    again = None

    def ready():
        """It ends at once while the kernel still takes the killed one's port from its threads."""
        nonlocal again
        if again is None or again.poll() is not None:
            with open(log_path, "wb") as log:
                again = subprocess.Popen(
                    arguments, cwd=cluster.directory, env=dict(one.split(b"=", 1) for one in environment),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            pid_file.write_text(f"{again.pid} {process_start(again.pid)}\n", encoding="ascii")
        return cluster.run("get", "--raw", "/readyz", check=False).returncode == 0

    try:
        wait_for(ready, 120, "the API server")
    except AssertionError as error:
        error.add_note(f"the end of its log:\n{log_path.read_text(encoding='utf-8')[-4000:]}")
        raise


def test_a_restart_of_the_api_server_is_outlived(cluster, aws, namespace, tmp_path):
    with serving(cluster, aws.env(), tmp_path, "--resync", "1s") as serve:
        cluster.apply(function("app", namespace, memorySize=256))
        settled(cluster, "app", namespace)
        with api_server_down(cluster):
            aws.functions.update_function_configuration(FunctionName="preview-app", MemorySize=512)
            wait_for(lambda: not serve.leads(), what="the end of its lead, ten seconds later")
            time.sleep(OUTAGE_S)
            assert serve.is_ready()

        def memory():
            return aws.function("preview-app")["Configuration"]["MemorySize"]

        wait_for(lambda: memory() == 256, 40, "the drift's correction")
        cluster.apply(function("app", namespace, memorySize=1024))
        settled(cluster, "app", namespace, seconds=40)
        assert memory() == 1024


def test_watches_that_are_cut_lose_nothing(cluster, aws, namespace, tmp_path, kube):
    with serving(cluster, aws.env(), tmp_path, "--log-level", "debug", kubeconfig=kube.config) as serve:
        declared = {}
        for i in range(20):
            name = f"app-{i % 5}"
            declared[name] = 200 + i
            cluster.apply(function(name, namespace, memorySize=declared[name]))
            kube.cut()
            time.sleep(0.1)
        cluster.run("delete", "lf", "app-4", "-n", namespace, "--wait=false")
        kube.cut()
        wait_for(lambda: "app-4" not in cluster.functions(namespace), 60, "the deletion")
        all_ready(cluster, namespace, 4)
        for name in ("app-0", "app-1", "app-2", "app-3"):
            found = aws.function(f"preview-{name}")["Configuration"]["MemorySize"]
            assert found == declared[name], name
        assert aws.function("preview-app-4") is None
        assert serve.log().count("watch interrupted") >= 4  # the other cuts came during a pause


def test_what_changed_while_the_api_server_was_out_of_reach_is_seen(cluster, aws, namespace, tmp_path, kube):
    with serving(cluster, aws.env(), tmp_path, kubeconfig=kube.config):
        cluster.apply(function("changed", namespace), function("deleted", namespace))
        all_ready(cluster, namespace, 2)
        kube.off()
        cluster.apply(function("changed", namespace, memorySize=512))
        cluster.run("delete", "lf", "deleted", "-n", namespace, "--wait=false")
        kube.on()
        wait_for(lambda: "deleted" not in cluster.functions(namespace), 60, "the deletion")
        all_ready(cluster, namespace, 1)
        assert aws.function("preview-changed")["Configuration"]["MemorySize"] == 512
        assert aws.function("preview-deleted") is None


def test_a_stop_in_the_middle_of_thirty_creations_loses_nothing(cluster, aws, namespace, tmp_path, endpoint, aws_env):
    names = {f"preview-half-{i}": f"half-{i}" for i in range(30)}
    with serving(cluster, aws_env, tmp_path) as serve:
        endpoint.delay = 0.3
        cluster.apply(*[function(name, namespace, memorySize=256) for name in names.values()])
        wait_for(lambda: serve.calls("CreateFunction") >= 3, what="the first functions")
        assert serve.stop() == 0
        made = len(owners(aws, "preview-half-"))
        assert made < 30, "it was over before it could be ended: make the delay longer"
        endpoint.delay = 0
        serve.start()
        all_ready(cluster, namespace, 30)
        assert owners(aws, "preview-half-") == names
        creations = serve.metric("kubelambda_aws_requests_total", operation="CreateFunction", code="201")
        assert creations == 30 - made
        assert serve.calls("UpdateFunctionCode", "UpdateFunctionConfiguration") == 0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_cpu_is_used_when_nothing_changes(cluster, aws, namespace, tmp_path):
    with serving(cluster, aws.env(), tmp_path) as serve:
        cluster.apply(*[function(f"app-{i}", namespace) for i in range(10)])
        all_ready(cluster, namespace, 10)
        time.sleep(1)
        before = cpu_seconds(serve.process.pid)
        time.sleep(5)
        assert cpu_seconds(serve.process.pid) - before < IDLE_CPU_SECONDS
