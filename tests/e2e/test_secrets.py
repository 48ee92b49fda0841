"""No secret is anywhere but where it belongs: markers in each kind of them, everything that can go wrong with them, and
then a look into every log line, event, status, metric and error text."""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest
import yaml
from asking import Webhook, create, good, review
from harness import BINARY, Serve, conditions, free_port, function, get_url, settled, wait_for
from replicas import SECRET

pytestmark = pytest.mark.scripted_aws

SECRET_KEY = "MARKEDsecretAccessKey" + "x" * 19
SESSION = "MARKEDsessionToken" + "y" * 30
DECLARED = "MARKED-declared-in-the-spec"
REFERENCED = "MARKED-from-a-Secret"
MARKED = re.compile("MARKED|PRIVATE KEY")


@pytest.fixture(scope="module")
def aws(aws):
    aws.control("POST", "keys", {"id": "AKIAMARKEDKEY", "secret": SECRET_KEY, "user": "kubelambda", "token": SESSION})
    return aws


def keys(aws):
    return {"AWS_ACCESS_KEY_ID": "AKIAMARKEDKEY", "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": SESSION}


@pytest.fixture(scope="module", autouse=True)
def serve(cluster, aws, tmp_path_factory):
    one = Serve(
        cluster, aws.env() | keys(aws), tmp_path_factory.mktemp("serve"), "--resync", "1s", "--log-level", "debug"
    )
    yield one
    assert one.stop() == 0


@pytest.fixture
def told(cluster, serve):
    """A list for texts that somebody got to see; at the end there is no secret in it, nor anywhere else."""
    texts = []
    yield texts
    texts.append(serve.log().replace("AKIAMARKEDKEY", ""))  # the id is none
    for port, paths in ((serve.metrics, ["metrics"]), (serve.health, ["healthz", "readyz"])):
        texts += [get_url(f"http://127.0.0.1:{port}/{path}")[1] for path in paths]
    texts.append(cluster.run("get", "events", "-A", "-o", "json").stdout)
    for kind in ("lambdafunctions", "lambdapolicies"):
        listed = json.loads(cluster.run("get", kind, "-A", "-o", "json").stdout)["items"]
        texts += [json.dumps(one.get("status")) for one in listed]
    tokens = (cluster.directory / "tokens.csv").read_text(encoding="utf-8").splitlines()
    secrets = [line.split(",")[0] for line in tokens]
    held = cluster.request("GET", SECRET)[1]["data"]["ca.key"]
    secrets += [held[:40], *base64.b64decode(held).decode().splitlines()[1:-1]]
    for text in texts:
        assert not MARKED.search(text), text
        assert not any(one in text for one in secrets)


def give_secret(cluster, namespace):
    data = {"password": base64.b64encode(REFERENCED.encode()).decode()}
    metadata = {"name": "db", "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    cluster.run("apply", "-n", namespace, "-f", "manifests/secrets-role.yaml")


ENVIRONMENT = {
    "variables": {"PLAIN": DECLARED},
    "valueFrom": [{"name": "DB_PASSWORD", "secretKeyRef": {"name": "db", "key": "password"}}],
}


def test_aws_that_repeats_what_it_was_sent(cluster, aws, told, namespace):
    give_secret(cluster, namespace)
    echo = f"1 validation error detected: Value '{{PLAIN={DECLARED}, DB_PASSWORD={REFERENCED}}}' at 'environment'"
    for number, (operation, status, code) in enumerate(
        [
            ("CreateFunction", 400, "InvalidParameterValueException"),
            ("CreateFunction", 403, "AccessDeniedException"),
            ("UpdateFunctionConfiguration", 400, "ValidationException"),
            ("UpdateFunctionConfiguration", 500, "ServiceException"),
        ]
    ):
        name = f"echoed-{number}"
        updates = operation.startswith("Update")
        if updates:
            cluster.apply(function(name, namespace))
            settled(cluster, name, namespace)
        rule = aws.rule(operation, name=f"preview-{name}", status=status, code=code, message=echo)
        told.append(cluster.apply(function(name, namespace, environment=ENVIRONMENT)).stderr)

        def complains(name=name, rule=rule):
            if not aws.hits(rule):
                return False
            found = conditions(cluster.functions(namespace)[name])
            return any(found.get(kind, ("",))[0] == "True" for kind in ("Stalled", "Reconciling"))

        wait_for(complains, what=f"{name}'s complaint")
    aws.rules_off()


def test_what_is_wrong_with_an_environment_is_told_without_its_values(cluster, serve, told, namespace):
    for variables in ({"1BAD": DECLARED}, {"AWS_REGION": DECLARED}, {"LONG": DECLARED * 200}, {"N": [DECLARED]}, DECLARED):
        manifest = function("wrong", namespace, environment={"variables": variables}, runtime="none")
        told.append(cluster.apply(manifest, check=False).stderr.replace(DECLARED * 2, ""))
        with contextlib.closing(Webhook(cluster, serve.port).connection) as connection:
            connection.request("POST", "/validate", json.dumps(review(create(good(environment={"variables": variables})))))
            told.append(connection.getresponse().read().decode())


@contextlib.contextmanager
def another(cluster, aws, directory, *options, env=None, kubeconfig=None):
    """A second one that only controls, and does so with nothing that works."""
    one = Serve(
        cluster, {"AWS_ENDPOINT_URL": aws.env()["AWS_ENDPOINT_URL"], "AWS_EC2_METADATA_DISABLED": "true", **(env or {})},
        directory, "--no-webhook", "--log-level", "debug", *options, ready=False, kubeconfig=kubeconfig,
    )  # fmt: skip
    try:
        yield one
    finally:
        one.process.terminate()
        one.process.wait(20)


BROKEN = {
    "cut": f'{{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "{SECRET_KEY}", "SessionToken": "{SESSION}',
    "no JSON": f"SecretAccessKey={SECRET_KEY}",
    "wrong type": f'{{"Version": 1, "AccessKeyId": ["{SECRET_KEY}"], "SecretAccessKey": "{SECRET_KEY}"}}',
    "a blank in it": f'{{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "{SECRET_KEY} \\n"}}',
}


@pytest.mark.parametrize("printed", BROKEN.values(), ids=BROKEN)
def test_a_program_that_prints_credentials_in_pieces(cluster, aws, told, tmp_path, printed):
    (tmp_path / "printed").write_text(printed)
    config = tmp_path / "config"
    config.write_text(f"[default]\nregion = us-east-1\ncredential_process = /bin/cat {tmp_path / 'printed'}\n")
    with another(cluster, aws, tmp_path, env={"AWS_CONFIG_FILE": str(config)}) as one:
        wait_for(lambda: "credential" in one.log(), what="its complaint")
        told.append(one.log())


def test_a_credentials_file_that_is_broken(cluster, aws, told, tmp_path):
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id = AKIA\naws_secret_access_key {SECRET_KEY}\n{SESSION}\n")
    with another(cluster, aws, tmp_path, env={"AWS_SHARED_CREDENTIALS_FILE": str(file)}) as one:
        wait_for(lambda: one.process.poll() is not None or "credential" in one.log(), what="its complaint")
        told.append(one.log())


KUBECONFIGS = {
    "no YAML": "users:\n- user: {token: [MARKED-token\n",
    "a token that cannot be one": "MARKED token\twith blanks",
    "a key that is none": None,
}


@pytest.mark.parametrize("kind", KUBECONFIGS)
def test_a_kubeconfig_that_is_broken(cluster, aws, told, tmp_path, kind):
    config = yaml.safe_load(cluster.config("kubelambda").read_text(encoding="utf-8"))
    text = KUBECONFIGS[kind]
    if kind == "a key that is none":
        config["users"][0]["user"] = {
            "client-certificate-data": base64.b64encode(b"MARKED-certificate").decode(),
            "client-key-data": base64.b64encode(b"-----BEGIN PRIVATE KEY-----\nMARKED\n").decode(),
        }
    elif kind != "no YAML":
        config["users"][0]["user"] = {"token": text}
    file = tmp_path / "kubeconfig"
    file.write_text(text if kind == "no YAML" else yaml.safe_dump(config))
    with another(cluster, aws, tmp_path, kubeconfig=file) as one:
        wait_for(lambda: one.process.poll() is not None or '"level":"warn"' in one.log(), what="its complaint")
        told.append(one.log())


def test_a_login_program_that_prints_a_broken_token(cluster, aws, told, tmp_path):
    config = yaml.safe_load(cluster.config("kubelambda").read_text(encoding="utf-8"))
    config["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "/bin/echo",
            "args": ['{"kind": "ExecCredential", "status": {"token": "MARKED-token'],
        }
    }  # fmt: skip
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    with another(cluster, aws, tmp_path, kubeconfig=file) as one:
        wait_for(lambda: one.process.poll() is not None or '"level":"warn"' in one.log(), what="its complaint")
        # What it was told to run is the user's own; what that printed is not repeated.
        told.append(one.log())


def test_a_mounted_key_that_is_broken(cluster, aws, told, tmp_path):
    (tmp_path / "tls.crt").write_text("-----BEGIN CERTIFICATE-----\nTUFSS0VE\n-----END CERTIFICATE-----\n")
    (tmp_path / "tls.key").write_text("-----BEGIN PRIVATE KEY-----\nMARKED\n-----END PRIVATE KEY-----\n")
    done = subprocess.run(
        [BINARY, "serve", "--kubeconfig", cluster.config("kubelambda"), "--cert-dir", tmp_path],
        env={}, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "cannot serve TLS" in done.stderr
    told.append(done.stderr)


def test_there_is_no_core(cluster, tmp_path):
    health = free_port()
    command = [
        "prlimit", "--core=unlimited", BINARY, "serve", "--no-webhook", "--kubeconfig", cluster.config("kubelambda"),
        "--health-listen", f"127.0.0.1:{health}", "--metrics-listen", f"127.0.0.1:{free_port()}",
    ]  # fmt: skip
    env = {"ASAN_OPTIONS": "disable_coredump=0"}  # sanitizers forbid cores themselves
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL)
    wait_for(lambda: get_url(f"http://127.0.0.1:{health}/healthz")[0] == 200)
    limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
    assert re.search(r"Max core file size +1 +1 ", limits), limits
    process.send_signal(signal.SIGABRT)  # a shell may have its background jobs ignore SIGQUIT
    assert not os.WCOREDUMP(os.waitpid(process.pid, 0)[1]) and not list(tmp_path.iterdir())
