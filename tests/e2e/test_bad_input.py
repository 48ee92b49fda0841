"""Input that no API server sends, answers that never come, and starts that cannot work."""

import base64
import contextlib
import json
import socket
import subprocess
import threading
import time

import pytest
import yaml
from asking import Webhook, create, good, review
from harness import BINARY, LEASE, ROOT, free_port, function, wait_for

LIMIT = 7 << 20
SECRET = "hunter2-is-a-secret"


@pytest.fixture
def webhook(cluster, serve):
    one = Webhook(cluster, serve.port)
    with contextlib.closing(one.connection):
        yield one
        status, _ = one.send(json.dumps(review(create(good()))))
        assert status == 200, "the webhook must go on after whatever it was sent"


# What is no AdmissionReview


def nested(depth):
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def raw(text):
    """A right review with raw text in the place of a value that has four levels around it."""
    marked = create(good(description="MARK"))
    return json.dumps(review(marked)).replace('"MARK"', text)


NO_REVIEW = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of it": b'{"apiVersion": "admission.k8s.io/v1"',
    "something behind it": raw('"x"').encode() + b"{}",
    "a list": b"[]",
    "null": b"null",
    "another object": json.dumps({"kind": "Pod", "apiVersion": "v1"}).encode(),
    "another version": raw('"x"').replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1").encode(),
    "no request": json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}).encode(),
    "a request that is a list": json.dumps(review([])).encode(),
    "no uid": json.dumps(review({"operation": "CREATE"})).encode(),
    "a uid that is a number": json.dumps(review(create(good(), uid=1))).encode(),
    "no operation": json.dumps(review({"uid": "1"})).encode(),
    "65 levels": raw(nested(61)).encode(),
    "a hundred thousand levels": b"[" * 100_000,
    "a key twice": raw('"x", "description": "y"').encode(),
    "a NUL": raw('"a\0b"').encode(),
    "an escaped NUL": raw(r'"a\u0000b"').encode(),
    "invalid UTF-8": raw('"MARK"').encode().replace(b"MARK", b"\xff\xfe"),
    "half a surrogate pair": raw(r'"\ud800"').encode(),
    "1e400": raw("1e400").encode(),
    "NaN": raw("NaN").encode(),
    "a leading zero": raw("012").encode(),
}


@pytest.mark.parametrize("body", NO_REVIEW.values(), ids=NO_REVIEW)
@pytest.mark.parametrize("path", ["/mutate", "/validate"])
def test_what_is_no_review_gets_400_and_one_sentence(webhook, path, body):
    status, text = webhook.send(body, path)
    assert status == 400
    assert 10 < len(text) < 500 and text.count("\n") <= 1, text


def test_64_levels_are_read(webhook):
    assert webhook.send(raw(nested(60)))[0] == 200


def test_a_whole_number_may_be_written_with_a_point(webhook):
    marked = json.dumps(review(create(good(memorySize="MARK"))))
    for number, allowed in (("128.0", True), ("1.28e2", True), ("128.5", False), ("127.0", False)):
        status, text = webhook.send(marked.replace('"MARK"', number))
        assert (status, json.loads(text)["response"]["allowed"]) == (200, allowed), number


def test_other_paths_and_methods_are_refused(webhook):
    assert webhook.send("", "/")[0] == 404
    assert webhook.send("{}", "/validate/../metrics")[0] == 404
    assert webhook.send(None, "/validate", "GET")[0] == 405
    assert webhook.send("", "/mutate", "PUT")[0] == 405


# Size


def padded(size):
    """A right review of exactly that many bytes."""
    text = json.dumps(review({**create(good()), "userInfo": {"username": ""}}))
    return text.replace('"username": ""', f'"username": "{"x" * (size - len(text))}"')


def test_a_review_of_just_7_mib_is_answered(webhook):
    for size in (LIMIT - 1, LIMIT):
        status, text = webhook.send(padded(size))
        assert status == 200 and json.loads(text)["response"]["allowed"] is True


def test_one_byte_more_is_refused_before_it_is_read(cluster, serve):
    asking = Webhook(cluster, serve.port).connection
    with contextlib.closing(asking):
        asking.putrequest("POST", "/validate")
        asking.putheader("Content-Length", str(LIMIT + 1))
        asking.endheaders()
        assert asking.getresponse().status == 413


def test_too_much_is_refused_also_when_nobody_said_how_long_it_is(cluster, serve):
    asking = Webhook(cluster, serve.port).connection
    pieces = (b" " * 65536 for _ in range(LIMIT // 65536 + 1))
    with contextlib.closing(asking):
        asking.request("POST", "/validate", pieces, encode_chunked=True)
        assert asking.getresponse().status == 413


# Reviews of other things


def test_another_kind_is_let_through_with_a_warning(webhook):
    pod = {"group": "", "version": "v1", "kind": "Pod"}
    for path in ("/mutate", "/validate"):
        response = webhook.review(create(good(runtime="none"), kind=pod), path)
        assert response["allowed"] is True and "patch" not in response
        assert "mend the webhook configuration" in response["warnings"][0]


def test_a_deletion_is_let_through(webhook):
    request = create(good(), operation="DELETE", object=None, oldObject=good(runtime="none"))
    for path in ("/mutate", "/validate"):
        assert webhook.review(request, path) == {"allowed": True}


@pytest.mark.parametrize("operation", ["CONNECT", "create", "PATCH", ""])
def test_an_unknown_operation_is_let_through_with_a_warning(webhook, operation):
    request = create(good(runtime="none"), operation=operation)
    for path in ("/mutate", "/validate"):
        response = webhook.review(request, path)
        assert response["allowed"] is True and "patch" not in response
        assert "mend the webhook configuration" in response["warnings"][0]


# Wrong types


def crd_paths():
    """The path of every field of the spec, and its schema."""
    crd = yaml.safe_load((ROOT / "manifests/crd.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    found = [([], schema)]

    def walk(path, schema):
        for name, below in schema.get("properties", {}).items():
            found.append(([*path, name], below))
            walk([*path, name], below)
        if "additionalProperties" in schema:
            found.append(([*path, "entry"], schema["additionalProperties"]))
        if "items" in schema:
            found.append(([*path, 0], schema["items"]))

    walk([], schema)
    return found


TEXTS = ["", "text", "x" * 5000]
NUMBERS = [-1, 0, 1.5, 9007199254740993, 1e300]
VALUES = [*TEXTS, *NUMBERS, True, False, [], [1], ["a"], {}, {"a": 1}, None]


def with_value(path, value):
    """A LambdaFunction that is right but for that value at that place."""
    manifest = good()
    at, key = manifest, "spec"
    for step in path:
        if not isinstance(at.get(key), dict):
            at[key] = {}
        if step == 0:  # a list's item
            at[key] = [value]
            return manifest
        at, key = at[key], step
    at[key] = value
    return manifest


MANIFESTS = [with_value(path, value) for path, _ in crd_paths() for value in VALUES]


def test_every_field_with_every_kind_of_value_gets_a_well_formed_answer(webhook):
    assert len(crd_paths()) > 20
    for manifest in MANIFESTS:
        for path in ("/mutate", "/validate"):
            created = webhook.review(create(manifest), path)
            webhook.review(create(manifest, operation="UPDATE", oldObject=good()), path)
            webhook.review(create(good(), operation="UPDATE", oldObject=manifest), path)
            if "patch" in created:
                json.loads(base64.b64decode(created["patch"]))


def test_every_field_with_every_kind_of_value_is_accepted_or_refused(cluster, namespace):
    path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"
    for manifest in MANIFESTS:
        manifest = {**manifest, "metadata": {"name": "typed", "namespace": namespace}}
        status, answer = cluster.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", manifest)
        assert status in (201, 400, 422), (manifest, answer)


@pytest.mark.parametrize("name", ["kind", "operation", "namespace", "name", "object", "oldObject", "uid"])
def test_members_of_the_request_of_a_wrong_type_are_answered(webhook, name):
    for value in ["", 1, True, [], {}, [{}], None, "x" * 70_000]:
        for path in ("/mutate", "/validate"):
            for operation in ("CREATE", "UPDATE"):
                request = create(good(), operation=operation, oldObject=good(memorySize=256)) | {name: value}
                assert webhook.send(json.dumps(review(request)), path)[0] in (200, 400)


def test_names_and_values_from_outside_cannot_break_the_answer(webhook):
    ugly = '"}],\n\x1b[31m\u2028\U0001f600' + "ä" * 300
    response = webhook.review(create(good(runtime=ugly, tags={ugly: ugly}), name=ugly))
    assert response["allowed"] is False
    assert "\x1b" not in response["status"]["message"]


def test_a_namespace_that_cannot_be_read_is_a_reason_to_try_again(webhook):
    nameless = function("asked", "no-such-namespace")
    status, text = webhook.send(json.dumps(review(create(nameless))), "/mutate")
    response = json.loads(text)["response"]
    assert (status, response["allowed"], response["status"]["code"]) == (200, False, 503)
    assert 'namespaces "no-such-namespace" not found' in response["status"]["message"]


# Secrets


def test_values_of_environment_variables_are_in_no_answer_and_no_log(webhook, serve):
    wrong = [
        {"GOOD": SECRET},
        {"1BAD": SECRET},
        {"AWS_REGION": SECRET},
        {"LONG": SECRET * 1000},
        {"NUMBER": 1, "GOOD": SECRET},
        {"NESTED": {"in": SECRET}},
        {"LISTED": [SECRET]},
        [SECRET],
        SECRET,
    ]
    for variables in wrong:
        for environment in ({"variables": variables}, variables):
            manifest = good(environment=environment, runtime="none")
            for path in ("/mutate", "/validate"):
                for more in ({}, {"operation": "UPDATE", "oldObject": good(environment=environment)}):
                    status, text = webhook.send(json.dumps(review(create(manifest, **more))), path)
                    assert status == 200 and SECRET not in text
                    patch = json.loads(text)["response"].get("patch", "")
                    assert SECRET not in base64.b64decode(patch).decode()
    assert webhook.send('{"a": "' + SECRET)[1].count(SECRET) == 0
    assert SECRET not in serve.log()


# Stopping


@pytest.fixture
def silent_s3():
    """Takes connections and never says a word; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def ask_in_thread(asking, **arguments):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(asking.send(**arguments)))
    thread.start()
    return thread, answers


def test_a_review_under_way_is_answered_before_kubelambda_stops(cluster, serve_with, silent_s3):
    serve = serve_with("--no-controller", env={"AWS_ENDPOINT_URL_S3": silent_s3})
    body = json.dumps(review(create(good())))
    asking = Webhook(cluster, serve.port)
    with contextlib.closing(asking.connection):
        began = time.monotonic()
        thread, answers = ask_in_thread(asking, body=body, path="/validate?timeout=3s")
        time.sleep(0.5)
        assert answers == []
        assert serve.stop() == 0
        thread.join(10)
        [(status, text)] = answers
    assert 1.5 < time.monotonic() - began < 3.5
    assert status == 200
    response = json.loads(text)["response"]
    assert response["allowed"] is True
    assert "not checked, S3 could not be asked" in response["warnings"][0]


def test_the_lease_is_given_up_before_the_last_question_is_answered(cluster, serve_with, silent_s3):
    serve = serve_with(env={"AWS_ENDPOINT_URL_S3": silent_s3})
    wait_for(serve.leads, 5, "the lead")
    asking = Webhook(cluster, serve.port)
    with contextlib.closing(asking.connection):
        began = time.monotonic()
        thread, answers = ask_in_thread(asking, body=json.dumps(review(create(good()))), path="/validate?timeout=20s")
        time.sleep(0.5)
        serve.process.terminate()
        wait_for(lambda: not cluster.request("GET", LEASE)[1]["spec"]["holderIdentity"], 14, "the release")
        thread.join(5)
        [(status, _)] = answers
        assert status == 503
        assert serve.process.poll() is None
        assert serve.stop() == 0
    assert time.monotonic() - began > 18


def test_reviews_that_wait_hold_what_was_parsed_within_a_budget(cluster, serve_with, silent_s3):
    serve = serve_with("--no-controller", env={"AWS_ENDPOINT_URL_S3": silent_s3})
    body = json.dumps(review(create(good(), more=[0] * 95_000)))
    with contextlib.ExitStack() as held:
        asked = []
        for _ in range(8):
            asking = Webhook(cluster, serve.port)
            held.enter_context(contextlib.closing(asking.connection))
            asked.append(ask_in_thread(asking, body=body, path="/validate?timeout=8s"))
        for thread, _ in asked:
            thread.join(20)
        statuses = [status for _, [(status, _)] in asked]
        assert set(statuses) == {200, 429} and statuses.count(200) <= 4


def test_an_s3_that_is_silent_leaves_the_api_server_its_time(cluster, namespace, serve_with, silent_s3):
    serve_with("--no-controller", env={"AWS_ENDPOINT_URL_S3": silent_s3})
    result = cluster.apply(function("slow", namespace))
    assert "Warning: spec.code.s3Key: not checked, S3 could not be asked" in result.stderr


# Starting


def run(*arguments, env=None):
    """kubelambda that ends by itself: status, standard output, standard error."""
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 20}
    result = subprocess.run([BINARY, *arguments], env=env or {}, check=False, **quiet)
    return result.returncode, result.stdout, result.stderr


URL = ("--webhook-url", "https://127.0.0.1:9443")

BAD_OPTIONS = {
    "unknown option --nonsense; --help lists them": ("--nonsense",),
    "--region needs a value": ("--region",),
    "unexpected argument now": (*URL, "now"),
    "--workers 0: must be a number from 1 to 64": (*URL, "--workers", "0"),
    "--workers eight: must be a number from 1 to 64": (*URL, "--workers=eight"),
    "--resync 10: must be a time of at least 1s, such as 10m": (*URL, "--resync", "10"),
    "--artifact-unavailable maybe: must be allow or reject": (*URL, "--artifact-unavailable", "maybe"),
    "--log-level loud: must be debug, info, warn or error": (*URL, "--log-level", "loud"),
    "--no-controller and --no-webhook together leave nothing to run": ("--no-controller", "--no-webhook"),
    "--environment -x: must be letters, digits and inner hyphens": (*URL, "--environment", "-x"),
}


@pytest.mark.parametrize("sentence, options", BAD_OPTIONS.items(), ids=BAD_OPTIONS)
def test_a_bad_option_ends_with_2_and_one_sentence(sentence, options):
    assert run("serve", *options) == (2, "", f"kubelambda serve: {sentence}\n")


def test_without_a_url_or_a_certificate_it_says_what_to_give():
    status, _, text = run("serve")
    assert status == 2 and "give --webhook-url" in text


def test_an_unknown_command_is_named():
    wanted = "kubelambda: there is no command server; `kubelambda --help` lists them\n"
    assert run("server") == (2, "", wanted)


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("--version",)], ids=" ".join)
def test_help_and_version_go_to_standard_output(arguments):
    status, out, err = run(*arguments)
    assert status == 0 and "kubelambda" in out and err == ""


def start_options(cluster, kubeconfig=None):
    return [
        "--kubeconfig", kubeconfig or cluster.config("kubelambda"),
        "--listen", f"127.0.0.1:{free_port()}",
        "--webhook-url", "https://127.0.0.1:1",
        "--health-listen", f"127.0.0.1:{free_port()}",
        "--metrics-listen", f"127.0.0.1:{free_port()}",
    ]  # fmt: skip


def cannot_start(cluster, aws, *options, kubeconfig=None, **env):
    """Starts it with ports of its own; the one line that it logs."""
    options = (*start_options(cluster, kubeconfig), *options)
    status, out, err = run("serve", *options, env={**aws.env(), **env})
    assert (status, out) == (1, "")
    lines = [json.loads(line) for line in err.splitlines()]
    errors = [line for line in lines if line["level"] == "error"]
    assert len(errors) == 1 and errors[0]["msg"] == "cannot start", err
    return errors[0]["error"]


@pytest.mark.parametrize("option", ["--listen", "--health-listen", "--metrics-listen"])
def test_a_port_in_use_is_named(cluster, aws, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        text = cannot_start(cluster, aws, option, address)
        assert text == f"cannot listen on {address}: Address already in use"


def test_an_address_that_is_none_is_named(cluster, aws):
    assert 'cannot listen on "localhost:http"' in cannot_start(cluster, aws, "--listen", "localhost:http")


def test_a_missing_kubeconfig_is_named(cluster, aws, tmp_path):
    missing = tmp_path / "none.yaml"
    text = cannot_start(cluster, aws, kubeconfig=missing)
    assert str(missing) in text and "No such file" in text


def test_a_kubeconfig_that_is_none_is_named(cluster, aws, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("a: [b")
    assert str(wrong) in cannot_start(cluster, aws, kubeconfig=wrong)


def test_a_webhook_url_that_is_none_is_told(cluster, aws):
    assert "write https://HOST:PORT" in cannot_start(cluster, aws, "--webhook-url", "http://127.0.0.1:1")


def test_an_aws_endpoint_that_is_no_url_is_told(cluster, aws):
    assert "not-a-url" in cannot_start(cluster, aws, AWS_ENDPOINT_URL="not-a-url")


def test_an_installed_webhook_is_not_taken_over(cluster, aws, serve_with):
    del serve_with  # only the rest of the shared one is wanted
    installed = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "kubelambda"},
        "webhooks": [
            {
                "name": "mutate.kubelambda.io",
                "clientConfig": {"service": {"namespace": "kubelambda-system", "name": "kubelambda"}},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
            }
        ],
    }
    cluster.replace(installed)
    try:
        status, _, text = run("serve", *start_options(cluster), env=aws.env())
        assert status == 1
        assert "points to the service kubelambda-system/kubelambda, not to a URL" in text
    finally:
        cluster.run("delete", "mutatingwebhookconfiguration", "kubelambda")
