"""Faults by the dozen, and answers of AWS that nobody planned for: kubelambda gets through all of them, and what
AWS accepted is sent once."""

import collections
import contextlib
import time

import pytest
from harness import Serve, all_ready, conditions, function, settled, wait_for

pytestmark = pytest.mark.scripted_aws

OTHER = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
MANY = 30
EACH = 8  # faults of each kind
FAULTS = [
    {"status": 409, "code": "ResourceConflictException", "message": "An update is in progress for resource: ARN"},
    {"status": 412, "code": "PreconditionFailedException", "message": "The Revision Id provided does not match"},
    {"status": 429, "code": "TooManyRequestsException", "message": "Rate exceeded"},
    {"status": 500, "code": "ServiceException", "message": "sorry"},
    {"status": 503, "html": "<html>try again</html>"},
    {"status": 404, "html": "<html>nothing like that here</html>"},
    {"cut": 0},
    {"cut": 120},
    {"perform": True, "status": 500, "cut": 0},  # it was done, and nobody hears of it
    {"delay_ms": 1500},
]


def taken(aws, since):
    """How often AWS took each (operation, function), as far as it said so."""
    entries = [one for one in aws.journal(since=since) if one["status"] < 300]
    return collections.Counter(
        (one["operation"], one["name"]) for one in entries if not one["operation"].startswith(("Get", "List"))
    )


def test_a_storm_of_all_faults_is_got_through_and_nothing_is_sent_twice(cluster, aws, serve, namespace):
    names = [f"storm-{i}" for i in range(MANY)]
    for spec in ({}, {"code": OTHER, "memorySize": 256}):
        rules = [aws.rule("*", name="preview-storm-*", times=EACH, **fault) for fault in FAULTS]
        mark = aws.mark()
        cluster.apply(*(function(name, namespace, **spec) for name in names))
        all_ready(cluster, namespace, MANY, 90)
        assert max(taken(aws, mark).values()) == 1
        assert sum(aws.hits(one) for one in rules) > EACH * len(FAULTS) / 2
        aws.rules_off()
    for name in names:
        seen = aws.function(f"preview-{name}")["Configuration"]
        assert (seen["MemorySize"], seen["CodeSha256"]) == (256, aws.sha256("app/2.zip"))


def test_while_aws_throttles_everything_little_is_sent_and_all_is_done_afterwards(cluster, aws, serve, namespace):
    aws.rule("*", status=429, code="TooManyRequestsException", message="Rate exceeded")
    mark, seconds = aws.mark(), 15
    cluster.apply(*(function(f"slow-{i}", namespace) for i in range(MANY)))
    time.sleep(seconds)
    sent = aws.journal(since=mark)
    found = cluster.functions(namespace).values()
    # The lowest rates are 6 GetFunctions and one other call per second; some go out until those are reached.
    assert {one["status"] for one in sent} == {429} and len(sent) <= 8 * seconds, len(sent)
    assert {conditions(one)["Stalled"][0] for one in found if conditions(one)} == {"False"}
    assert "Throttled" in {conditions(one)["Reconciling"][1] for one in found}
    aws.rules_off()
    all_ready(cluster, namespace, MANY, 60)
    assert set(taken(aws, mark).values()) == {1}


def test_a_function_that_somebody_deletes_in_the_middle_of_an_update_is_made_anew(cluster, aws, serve, namespace):
    cluster.apply(function("taken", namespace))
    settled(cluster, "taken", namespace)
    looked = aws.rule("GetFunction", name="preview-taken", times=1, hold=True)
    cluster.apply(function("taken", namespace, memorySize=256))
    wait_for(lambda: aws.hits(looked), what="the look")
    aws.functions.delete_function(FunctionName="preview-taken")
    aws.release(looked)
    settled(cluster, "taken", namespace)
    assert aws.function("preview-taken")["Configuration"]["MemorySize"] == 256


def test_a_function_that_somebody_makes_before_ours_is_left_alone(cluster, aws, serve, namespace):
    """Between the announcement in the status and the creation; AWS refuses what exists."""
    aws.functions.create_function(
        FunctionName="preview-first", Runtime="python3.12", Handler="their.handler", MemorySize=512,
        Role="arn:aws:iam::123456789012:role/fake", Code={"S3Bucket": "artifacts", "S3Key": "app/1.zip"},
    )  # fmt: skip
    cluster.apply(function("first", namespace))
    assert conditions(settled(cluster, "first", namespace, "Stalled"))["Stalled"][1] == "AlreadyExists"
    assert aws.function("preview-first")["Configuration"]["MemorySize"] == 512
    aws.functions.delete_function(FunctionName="preview-first")


def test_a_token_that_expires_in_the_middle_is_renewed_without_a_word(cluster, aws, serve, namespace, tmp_path):
    """The webhook's kubelambda rests; the one that works has its keys in a file, which somebody renews."""
    file, expired = tmp_path / "credentials", 1

    def keys(number, expires=None):
        key = {"id": f"AKIASESSION{number}", "secret": str(number) * 40, "token": f"token-{number}"}
        aws.control("POST", "keys", {**key, "user": "kubelambda", "expires": expires})
        return (
            f"[default]\naws_access_key_id = {key['id']}\naws_secret_access_key = {key['secret']}\n"
            f"aws_session_token = {key['token']}\n"
        )

    file.write_text(keys(1), encoding="utf-8")
    env = {name: value for name, value in aws.env().items() if not name.endswith(("KEY_ID", "ACCESS_KEY"))}
    assert serve.stop() == 0
    one = Serve(cluster, env | {"AWS_SHARED_CREDENTIALS_FILE": str(file)}, tmp_path / "serve")
    try:
        cluster.apply(function("token", namespace))
        settled(cluster, "token", namespace)
        keys(1, expired)
        file.write_text(keys(2), encoding="utf-8")
        cluster.apply(function("token", namespace, memorySize=256))
        settled(cluster, "token", namespace)
        assert "CredentialsRejected" not in one.log()
        cluster.run("delete", "lf", "token", "-n", namespace)
        assert one.stop() == 0
    finally:
        one.kill()
        serve.start()


# --- answers that nobody planned for ---------------------------------------------------------------

LOOK, UPDATE = "GetFunction", "UpdateFunctionConfiguration"
FINE, PASSING = "InForce", "AwsUnavailable"


def said(body):
    return {"status": 200, "body": body}


def shown(**configuration):
    return {"merge": {"Configuration": configuration}}


# The operation, its answer, and what the resource says while it is answered so.
ODD = {
    "unknown states": (LOOK, shown(State="Dancing", LastUpdateStatus="Rehearsing"), FINE),
    "other types": (LOOK, shown(State=7, LastUpdateStatus={"a": "InProgress"}, Layers={}, Timeout=[1], New={}), FINE),
    "tags that are a list": (LOOK, {"merge": {"Tags": ["kubelambda.io/owner"]}}, PASSING),
    "an owner that is no text": (LOOK, {"merge": {"Tags": {"kubelambda.io/owner": 7}}}, PASSING),
    "no configuration": (LOOK, said('{"Code": {}}'), PASSING),
    "a configuration that is text": (LOOK, said('{"Configuration": "yes"}'), PASSING),
    "a list": (LOOK, said("[]"), PASSING),
    "nothing": (LOOK, said(""), PASSING),
    "a number out of range": (LOOK, said("1e400"), PASSING),
    "a member twice": (LOOK, said('{"Configuration": {}, "Configuration": {}}'), PASSING),
    "too deep": (LOOK, said("[" * 5000), PASSING),
    "9 MiB": (LOOK, said('{"Configuration": "' + "x" * (9 << 20) + '"}'), PASSING),
    "a redirect": (LOOK, {"status": 301, "body": "", "headers": {"Location": "http://127.0.0.1:1/"}}, PASSING),
    "an error without a code": (LOOK, {"status": 400, "body": "{}"}, "Refused"),
    "an unknown error": (UPDATE, {"status": 418, "code": "TeapotException", "message": "no"}, "TeapotException"),
    "another answer to an update": (UPDATE, {"perform": True, **said("[7]")}, FINE),
    "no answer to an update": (UPDATE, {"perform": True, **said("")}, FINE),
}
ODD_LISTS = [
    "7",
    '{"Functions": {"a": 7}, "NextMarker": 9}',
    '{"Functions": [7, null, {"FunctionName": []}, {"FunctionName": "preview-odd-0"}], "NextMarker": {}}',
]


def test_answers_that_nobody_planned_for_end_in_a_clear_state(cluster, aws, serve_with, namespace):
    """One function for each; once the answers are as usual, all are as declared without anybody's help."""
    serve = serve_with("--resync", "1s")
    names = {f"odd-{number}": what for number, what in enumerate(ODD)}
    cluster.apply(*(function(name, namespace, adoptionPolicy="Adopt") for name in names))
    all_ready(cluster, namespace, len(names), 60)
    for name, what in names.items():
        aws.rule(ODD[what][0], name=f"preview-{name}", **ODD[what][1])
    lists = [aws.rule("ListFunctions", times=1, **said(body)) for body in ODD_LISTS]
    mark = aws.mark()
    cluster.apply(*(function(name, namespace, adoptionPolicy="Adopt", memorySize=256) for name in names))

    def wrong():
        """What is said otherwise than expected, of the newest generation."""
        found = {names[name]: one for name, one in cluster.functions(namespace).items()}
        return {
            what: conditions(one)["Ready"]
            for what, one in found.items()
            if conditions(one)["Ready"][1] != ODD[what][2] or one["status"]["observedGeneration"] != one["metadata"]["generation"]
        }

    with contextlib.suppress(AssertionError):
        wait_for(lambda: not wrong(), 30)
    assert wrong() == {}
    wait_for(lambda: aws.hits(lists[-1]), what="all odd lists")
    # Nothing was adopted or made.
    assert {one["operation"] for one in aws.journal(since=mark)} == {LOOK, UPDATE, "ListFunctions"}
    aws.rules_off()
    all_ready(cluster, namespace, len(names), 60)
    assert {aws.function(f"preview-{name}")["Configuration"]["MemorySize"] for name in names} == {256}
    assert serve.is_ready()
