"""AWS is changed behind kubelambda's back, or was there before it: what is taken over, put right, reported or
left alone, and how few calls it takes to know. On the scripted AWS, which counts them."""

import concurrent.futures
import time

import pytest
from harness import conditions, function, is_settled, settled, wait_for

pytestmark = pytest.mark.scripted_aws

RESYNC = 1  # seconds
ROTATION = 3
CODE = {"s3Bucket": "artifacts", "s3Key": "app/1.zip"}
READS = ("GetFunction", "ListFunctions")
WRITES = ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "TagResource", "UntagResource")
MANY = 1000


@pytest.fixture(autouse=True)
def no_functions_stay(aws):
    yield
    aws.as_usual()
    for one in aws.functions.get_paginator("list_functions").paginate().search("Functions[].FunctionName"):
        if one.startswith("preview-"):
            aws.functions.delete_function(FunctionName=one)


@pytest.fixture
def searching(serve_with):
    """Searches each second; looks at everything as a whole once a day, so that only the search finds something."""
    return serve_with("--resync", f"{RESYNC}s")


@pytest.fixture
def rotating(serve_with):
    """Looks at everything as a whole every few seconds."""
    return serve_with("--resync", "10m", "--rotation", f"{ROTATION}s")


def made(cluster, namespace, *names, **spec):
    cluster.apply(*(function(name, namespace, **spec) for name in names))
    for name in names:
        settled(cluster, name, namespace)


def configuration(aws, name):
    return aws.function(f"preview-{name}")["Configuration"]


def by_hand(aws, name, **members):
    aws.functions.update_function_configuration(FunctionName=f"preview-{name}", **members)


def theirs(aws, name, key="app/2.zip", **members):
    """A function that somebody else made, with a bigger memory and a tag."""
    aws.functions.create_function(
        FunctionName=f"preview-{name}", Role="arn:aws:iam::123456789012:role/fake", Runtime="python3.12",
        Handler="app.handler", Code={"S3Bucket": "artifacts", "S3Key": key}, MemorySize=512, Timeout=7,
        **members,
    )  # fmt: skip


def condition(cluster, namespace, name, kind):
    return conditions(cluster.functions(namespace)[name]).get(kind, ("", "", ""))


def is_drifted(cluster, namespace, name, status="True"):
    found = condition(cluster, namespace, name, "Drifted")
    return found if found[0] == status else None


def done(aws, mark):
    """What kubelambda did to functions since then: the operations in their order."""
    return [one["operation"] for one in aws.journal(*WRITES, since=mark)]


# --- adoption -------------------------------------------------------------------------------------


def test_a_function_that_is_there_is_left_alone_and_the_message_says_how_to_adopt_it(
    cluster, aws, serve, namespace
):
    theirs(aws, "there")
    mark = aws.mark()
    cluster.apply(function("there", namespace))
    _, why, message = conditions(settled(cluster, "there", namespace, "Stalled"))["Stalled"]
    assert why == "AlreadyExists" and "adoptionPolicy: Adopt" in message
    assert [one for one in done(aws, mark) if one != "CreateFunction"] == []
    cluster.apply(function("there", namespace, adoptionPolicy="Adopt"))
    settled(cluster, "there", namespace)
    assert configuration(aws, "there")["Runtime"] == "python3.13"


def test_an_adopted_function_is_told_first_then_owned_then_changed(cluster, aws, serve, namespace):
    theirs(aws, "adopted", Tags={"team": "theirs"})
    rule = aws.rule("TagResource", hold=True)
    mark = aws.mark()
    cluster.apply(function("adopted", namespace, adoptionPolicy="Adopt", tags={"stage": "preview"}))
    wait_for(lambda: aws.hits(rule), what="the tag")
    status, why, message = condition(cluster, namespace, "adopted", "Reconciling")
    assert (status, why) == ("True", "Adopting")
    assert message == "takes the function over; deploys new code; changes runtime"
    assert configuration(aws, "adopted")["Runtime"] == "python3.12"
    aws.release(rule)
    settled(cluster, "adopted", namespace)
    assert done(aws, mark) == ["TagResource", "UpdateFunctionCode", "UpdateFunctionConfiguration"]
    found = aws.function("preview-adopted")
    assert found["Tags"]["team"] == "theirs" and found["Tags"]["stage"] == "preview"
    assert found["Configuration"]["MemorySize"] == 512 and found["Configuration"]["Timeout"] == 7


def test_an_adopted_function_with_the_same_code_is_not_deployed_again(cluster, aws, serve, namespace):
    theirs(aws, "same", key="app/1.zip")
    mark = aws.mark()
    made(cluster, namespace, "same", adoptionPolicy="Adopt", runtime="python3.12")
    assert done(aws, mark) == ["TagResource"]
    assert cluster.functions(namespace)["same"]["status"]["deployed"]["key"] == "app/1.zip"


def test_an_adopted_image_is_not_deployed_again(cluster, aws, serve, namespace):
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
    role = "arn:aws:iam::123456789012:role/fake"
    aws.functions.create_function(
        FunctionName="preview-image", Role=role, PackageType="Image", Code={"ImageUri": image}
    )
    mark = aws.mark()
    spec = {"packageType": "Image", "runtime": None, "handler": None, "code": {"imageUri": image}}
    made(cluster, namespace, "image", adoptionPolicy="Adopt", **spec)
    assert done(aws, mark) == ["TagResource"]
    assert cluster.functions(namespace)["image"]["status"]["deployed"]["imageUri"] == image


def test_somebody_elses_function_is_never_adopted(cluster, aws, serve, namespace):
    theirs(aws, "owned", Tags={"kubelambda.io/owner": "other/cluster/owned"})
    mark = aws.mark()
    cluster.apply(function("owned", namespace, adoptionPolicy="Adopt"))
    resource = settled(cluster, "owned", namespace, "Stalled")
    assert conditions(resource)["Stalled"][1] == "OwnedByAnother"
    assert done(aws, mark) == []


# --- drift ----------------------------------------------------------------------------------------


def test_drift_that_a_list_shows_is_put_right_and_named(cluster, aws, searching, namespace):
    made(cluster, namespace, "one", "two", "three", memorySize=256)
    wait_for(lambda: searching.calls("ListFunctions") > 1, what="a search")
    mark = aws.mark()
    by_hand(aws, "two", MemorySize=1024)
    wait_for(lambda: configuration(aws, "two")["MemorySize"] == 256, what="the correction")
    settled(cluster, "two", namespace)
    looked = {one["name"] for one in aws.journal("GetFunction", since=mark)}
    assert looked == {"preview-two"}, looked
    assert done(aws, mark) == ["UpdateFunctionConfiguration"]
    wait_for(lambda: '"reason":"CorrectingDrift","message":"changes memorySize"' in searching.log())
    assert "AWS differs from what was in force" in searching.log()


def test_a_function_that_a_list_misses_is_made_again(cluster, aws, searching, namespace):
    made(cluster, namespace, "one", "two")
    aws.functions.delete_function(FunctionName="preview-two")
    wait_for(lambda: aws.function("preview-two"), what="the function")
    settled(cluster, "two", namespace)


def test_drift_is_reported_and_left_until_the_spec_changes(cluster, aws, searching, namespace):
    made(cluster, namespace, "told", "other", memorySize=256, driftPolicy="Report")
    mark = aws.mark()
    by_hand(aws, "told", MemorySize=1024, Timeout=9)
    _, why, message = wait_for(lambda: is_drifted(cluster, namespace, "told"), what="the report")
    assert why == "Drifted" and message.endswith(": memorySize")  # nobody declared the timeout
    resource = cluster.functions(namespace)["told"]
    assert is_settled(resource)
    cluster.run("wait", "--for=condition=Ready", "lf/told", "-n", namespace, "--timeout=5s")
    time.sleep(3 * RESYNC)
    assert cluster.functions(namespace)["told"]["metadata"]["resourceVersion"] == resource["metadata"]["resourceVersion"]
    assert done(aws, mark) == []

    by_hand(aws, "told", MemorySize=256)
    wait_for(lambda: is_drifted(cluster, namespace, "told", "False"), what="the end of the report")
    by_hand(aws, "told", MemorySize=1024)
    wait_for(lambda: is_drifted(cluster, namespace, "told"), what="the report")
    made(cluster, namespace, "told", memorySize=256, driftPolicy="Report", description="new")
    assert configuration(aws, "told")["MemorySize"] == 256
    assert is_drifted(cluster, namespace, "told", "False")


def test_a_function_that_is_gone_is_reported_as_not_ready(cluster, aws, searching, namespace):
    made(cluster, namespace, "gone", "other", driftPolicy="Report")
    aws.functions.delete_function(FunctionName="preview-gone")
    resource = settled(cluster, "gone", namespace, "Stalled")
    assert conditions(resource)["Drifted"][:2] == ("True", "FunctionGone")
    time.sleep(2 * RESYNC)
    assert aws.function("preview-gone") is None
    made(cluster, namespace, "gone", driftPolicy="Correct")
    assert aws.function("preview-gone")


def test_what_a_list_does_not_show_is_found_in_the_rotation(cluster, aws, rotating, namespace):
    alias = {"versions": {"publish": "OnChange"}, "aliases": [{"name": "live", "version": "Latest"}]}
    made(cluster, namespace, "one", "two", tags={"team": "ours"}, reservedConcurrency=2, **alias)
    arn = configuration(aws, "one")["FunctionArn"]
    aws.functions.tag_resource(Resource=arn, Tags={"team": "theirs"})
    aws.functions.put_function_concurrency(FunctionName="preview-one", ReservedConcurrentExecutions=5)
    wait_for(lambda: aws.function("preview-one")["Tags"]["team"] == "ours", what="the tag")
    wait_for(
        lambda: aws.function("preview-one")["Concurrency"]["ReservedConcurrentExecutions"] == 2,
        what="the concurrency",
    )
    live = {"FunctionName": "preview-one", "Name": "live"}
    aws.functions.update_alias(**live, FunctionVersion="$LATEST")
    wait_for(lambda: aws.functions.get_alias(**live)["FunctionVersion"] == "1", what="the alias")


def test_without_the_permission_to_list_the_log_says_so_and_the_rest_goes_on(cluster, aws, searching, namespace):
    aws.settings(denied={"kubelambda": ["ListFunctions"]})
    made(cluster, namespace, "one", "two")
    wait_for(lambda: "allow lambda:ListFunctions" in searching.log(), what="the hint")
    made(cluster, namespace, "one", memorySize=512)


# --- the archive under its key --------------------------------------------------------------------


def test_an_overwritten_archive_is_told_and_deployed_where_it_is_followed(cluster, aws, rotating, namespace):
    aws.upload("app/moving.zip", "x = 1\n")
    code = CODE | {"s3Key": "app/moving.zip"}
    made(cluster, namespace, "stays", code=code)
    made(cluster, namespace, "follows", code=code | {"follow": True})
    old = aws.sha256("app/moving.zip")
    aws.upload("app/moving.zip", "x = 2\n")
    new = aws.sha256("app/moving.zip")
    wait_for(lambda: configuration(aws, "follows")["CodeSha256"] == new, what="the new code")
    _, why, message = wait_for(lambda: is_drifted(cluster, namespace, "stays"), what="the report")
    assert why == "ArtifactChanged" and "s3://artifacts/app/moving.zip" in message and "code.follow" in message
    resource = cluster.functions(namespace)["stays"]
    assert is_settled(resource) and configuration(aws, "stays")["CodeSha256"] == old
    settled(cluster, "follows", namespace)
    assert not is_drifted(cluster, namespace, "follows")

    mark = aws.mark()
    cluster.run("annotate", "lf", "stays", "-n", namespace, "kubelambda.io/redeploy=1")
    wait_for(lambda: configuration(aws, "stays")["CodeSha256"] == new, what="the new code")
    wait_for(lambda: is_drifted(cluster, namespace, "stays", "False"), what="the end of the report")
    time.sleep(1.5 * ROTATION)
    assert done(aws, mark) == ["UpdateFunctionCode"]


def test_an_archive_without_a_checksum_is_known_by_its_version(cluster, aws, rotating, namespace):
    def put(text):
        import io
        import zipfile

        with zipfile.ZipFile(archive := io.BytesIO(), "w") as out:
            out.writestr("app.py", text)
        aws.objects.put_object(Bucket="artifacts", Key="app/plain.zip", Body=archive.getvalue())
        aws.control("POST", "objects", {"bucket": "artifacts", "objects": {"app/plain.zip": {"checksum": []}}})

    put("x = 1\n")
    made(cluster, namespace, "plain", code=CODE | {"s3Key": "app/plain.zip", "follow": True})
    deployed = wait_for(
        lambda: (one := cluster.functions(namespace)["plain"]["status"]["deployed"]).get("etag") and one,
        what="the archive being known",
    )
    mark = aws.mark()
    time.sleep(1.5 * ROTATION)
    assert done(aws, mark) == []
    put("x = 2\n")
    wait_for(lambda: configuration(aws, "plain")["CodeSha256"] != deployed["codeSha256"], what="the new code")
    settled(cluster, "plain", namespace)
    time.sleep(1.5 * ROTATION)
    assert done(aws, mark) == ["UpdateFunctionCode"]


# --- redeploy -------------------------------------------------------------------------------------


def test_each_new_token_deploys_the_code_once(cluster, aws, serve, namespace):
    made(cluster, namespace, "again")
    for token in ("1", "2"):
        mark = aws.mark()
        cluster.run("annotate", "--overwrite", "lf", "again", "-n", namespace, f"kubelambda.io/redeploy={token}")
        wait_for(
            lambda token=token: cluster.functions(namespace)["again"]["status"]["deployed"].get("redeploy") == token,
            what="the token in the status",
        )
        settled(cluster, "again", namespace)
        assert done(aws, mark) == ["UpdateFunctionCode"]
    mark = aws.mark()
    cluster.run("annotate", "lf", "again", "-n", namespace, "kubelambda.io/redeploy-")
    cluster.run("label", "lf", "again", "-n", namespace, "touched=yes")
    time.sleep(1)
    assert done(aws, mark) == []


# --- calls ----------------------------------------------------------------------------------------


def apply_many(cluster, namespace, count):
    path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions"

    def send(number):
        return cluster.request("POST", path, function(f"many-{number}", namespace, memorySize=256))[0]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(count))) == {201}
    wait_for(
        lambda: len(found := cluster.functions(namespace)) == count and all(map(is_settled, found.values())),
        seconds=300,
        what=f"{count} functions",
    )


def versions(cluster, namespace):
    return {name: one["metadata"]["resourceVersion"] for name, one in cluster.functions(namespace).items()}


def test_idle_functions_stand_still_over_ten_searches(cluster, aws, searching, namespace):
    made(cluster, namespace, "one", "two", "three", tags={"team": "ours"}, environment={"variables": {"AA": "1"}})
    before, mark, lists = versions(cluster, namespace), aws.mark(), searching.calls("ListFunctions")
    wait_for(lambda: searching.calls("ListFunctions") >= lists + 10, seconds=30, what="ten searches")
    assert versions(cluster, namespace) == before
    assert {one["operation"] for one in aws.journal(since=mark)} == {"ListFunctions"}


def test_a_thousand_functions_cost_few_calls(cluster, aws, serve_with, namespace):
    aws.settings(limits=False)
    serve = serve_with("--workers", "16")
    apply_many(cluster, namespace, MANY)
    before = versions(cluster, namespace)

    serve.stop()
    mark = aws.mark()
    serve.start()
    wait_for(serve.leads, seconds=40, what="the lead")
    time.sleep(15)
    calls = [one["operation"] for one in aws.journal(since=mark)]
    assert set(calls) <= set(READS) and len(calls) <= 25, calls
    assert versions(cluster, namespace) == before

    serve.stop()
    serve.arguments += ["--resync", "5s"]
    serve.start()
    wait_for(lambda: serve.calls("ListFunctions") >= 20, seconds=40, what="a search")
    mark = aws.mark()
    by_hand(aws, "many-7", MemorySize=1024)
    wait_for(lambda: configuration(aws, "many-7")["MemorySize"] == 256, what="the correction")
    settled(cluster, "many-7", namespace)
    looked = [one["name"] for one in aws.journal("GetFunction", since=mark)]
    # Besides, the rotation looks at one of a thousand about each minute and a half.
    assert "preview-many-7" in looked and len(set(looked)) <= 3, looked
    lists = serve.calls("ListFunctions")
    time.sleep(10)
    assert serve.calls("ListFunctions") - lists <= 50  # two searches of 20 pages

    # A list that takes long holds nobody up.
    rule = aws.rule("ListFunctions", hold=True)
    wait_for(lambda: aws.hits(rule), what="a search under way")
    made(cluster, namespace, "person")
    aws.release(rule)
    aws.rules_off()
    assert serve.calls("UpdateFunctionConfiguration") == 1
    cluster.run("delete", "lf", "--all", "-n", namespace, "--timeout=200s", "--wait=false")
    wait_for(lambda: not cluster.functions(namespace), seconds=200, what="the end of all")
