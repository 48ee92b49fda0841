"""kubelambda with credentials from each place that gives some: a function becomes ready with them."""

import contextlib
import http.server
import json
import threading
import urllib.request

import pytest
from harness import Aws, Serve, client, conditions, function, settled, wait_for

ROLE = "arn:aws:iam::123456789012:role/deployer"
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
ALLOWED = {"Effect": "Allow", "Action": ["lambda:*", "s3:*", "iam:PassRole", "sts:*"], "Resource": "*"}


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def role(aws):
    """A role that may do what kubelambda needs."""
    iam = client("iam", aws.directory / "admin.env")
    iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=policy(TRUST))
    iam.put_role_policy(RoleName="deployer", PolicyName="all", PolicyDocument=policy(ALLOWED))
    return iam


@pytest.fixture(scope="module")
def trusting_aws(tmp_path_factory):
    """An AWS that does not check signatures: the emulator's metadata give out keys that it does not know,
    and it cannot take requests without a signature while it checks them."""
    one = Aws(tmp_path_factory.mktemp("trusting-aws"))
    url = one.env()["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth"
    request = urllib.request.Request(url, b"inf", {"Content-Type": "text/plain"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
    one.upload("app/1.zip")
    yield one
    one.stop()


@contextlib.contextmanager
def serving(cluster, aws, directory, **env):
    """kubelambda with the endpoint and region of `aws` and with nothing else but `env`."""
    kept = {name: value for name, value in aws.env().items() if name in ("AWS_ENDPOINT_URL", "AWS_REGION")}
    one = Serve(cluster, {"AWS_EC2_METADATA_DISABLED": "true", **kept, **env}, directory)
    try:
        yield one
        assert one.stop() == 0
    finally:
        one.kill()


def becomes_ready(cluster, aws, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")
    cluster.run("delete", "lambdafunction", "app", "-n", namespace, "--timeout=20s")
    assert not aws.function("preview-app")


def test_a_service_accounts_token_is_exchanged_for_a_role(cluster, trusting_aws, namespace, tmp_path):
    token = tmp_path / "token"
    token.write_text("the.token", encoding="utf-8")
    identity = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    with serving(cluster, trusting_aws, tmp_path, **identity) as serve:
        becomes_ready(cluster, trusting_aws, namespace)
        assert serve.metric("kubelambda_aws_requests_total", operation="AssumeRoleWithWebIdentity", code="200") == 1
        assert "the.token" not in serve.log()


def test_a_machines_role_and_region_are_used(cluster, trusting_aws, namespace, tmp_path):
    endpoint = trusting_aws.env()["AWS_ENDPOINT_URL"]
    machine = {
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint,
        "AWS_REGION": "",
    }
    with serving(cluster, trusting_aws, tmp_path, **machine):
        becomes_ready(cluster, trusting_aws, namespace)


class Agent(http.server.BaseHTTPRequestHandler):
    """What EKS Pod Identity runs on each node."""

    def do_GET(self):
        right = self.headers.get("Authorization") == self.server.token and self.path == "/v1/credentials"
        self.server.asked += 1
        self.send_response(200 if right else 403)
        self.end_headers()
        if right:
            self.wfile.write(json.dumps(self.server.keys).encode())

    def log_message(self, *_):
        pass


def test_pod_identity_gives_credentials(cluster, aws, role, namespace, tmp_path):
    session = client("sts", aws.directory / "admin.env").assume_role(RoleArn=ROLE, RoleSessionName="pod")
    keys = session["Credentials"]
    (tmp_path / "token").write_text("pod-token", encoding="utf-8")
    agent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    agent.token, agent.asked = "pod-token", 0
    agent.keys = {
        "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"],
        "Token": keys["SessionToken"], "Expiration": keys["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    threading.Thread(target=agent.serve_forever, daemon=True).start()
    container = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{agent.server_port}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    try:
        with serving(cluster, aws, tmp_path, **container):
            becomes_ready(cluster, aws, namespace)
            assert agent.asked > 0
    finally:
        agent.shutdown()
        agent.server_close()


def profile_files(directory, keys, role_arn):
    """Environment variables that name files with a profile that assumes the role with the keys."""
    (directory / "credentials").write_text(
        f"[keys]\naws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}\n",
        encoding="utf-8",
    )
    (directory / "config").write_text(
        f"[profile work]\nrole_arn = {role_arn}\nsource_profile = keys\nrole_session_name = me\n",
        encoding="utf-8",
    )
    return {
        "AWS_PROFILE": "work",
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
    }


def test_a_profile_assumes_its_role(cluster, aws, role, namespace, tmp_path):
    with serving(cluster, aws, tmp_path, **profile_files(tmp_path, aws.env("admin"), ROLE)):
        becomes_ready(cluster, aws, namespace)


def test_a_function_of_another_account_is_left_alone_also_when_it_is_deleted(
    cluster, aws, role, namespace, tmp_path
):
    with serving(cluster, aws, tmp_path, **profile_files(tmp_path, aws.env("admin"), ROLE)) as serve:
        becomes_ready(cluster, aws, namespace)  # from here on the account is known
        calls = serve.calls()
        cluster.apply(function("other", namespace, role="arn:aws:iam::210987654321:role/other"))
        found = settled(cluster, "other", namespace, "Stalled")
        assert conditions(found)["Stalled"][1] == "WrongAccount"
        assert "credentials here are of the account 123456789012" in conditions(found)["Stalled"][2]
        cluster.run("delete", "lambdafunction", "other", "-n", namespace, "--wait=false")
        wait_for(
            lambda: conditions(cluster.functions(namespace)["other"])["Ready"][1] == "WrongAccount"
            and "the finalizer stays" in conditions(cluster.functions(namespace)["other"])["Ready"][2],
            what="the status saying why it stays",
        )
        assert serve.calls() == calls
        free = {"metadata": {"finalizers": None}}
        cluster.run("patch", "lambdafunction", "other", "-n", namespace, "--type=merge", "-p", json.dumps(free))


def test_without_credentials_the_status_says_who_was_asked_and_they_are_taken_when_they_come(
    cluster, aws, namespace, tmp_path
):
    files = profile_files(tmp_path, aws.env("admin"), ROLE)
    del files["AWS_PROFILE"]
    with serving(cluster, aws, tmp_path, **files):
        cluster.apply(function("app", namespace))

        def message():
            found = cluster.functions(namespace)["app"].get("status", {}).get("conditions", [])
            return " ".join(one["message"] for one in found)

        wait_for(lambda: "container: AWS_CONTAINER_CREDENTIALS_FULL_URI is not set" in message(), what="the reason")
        keys = (tmp_path / "credentials").read_text(encoding="utf-8")
        (tmp_path / "credentials").write_text(keys.replace("[keys]", "[default]"), encoding="utf-8")
        settled(cluster, "app", namespace, seconds=60)
