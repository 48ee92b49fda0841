"""Versions, aliases and what AWS keeps for them, on the scripted AWS: what is published, what callers reach, what
goes again, and what is other people's."""

import json
import subprocess
import time

import pytest
import yaml
from harness import BINARY, conditions, function, settled, wait_for

pytestmark = pytest.mark.scripted_aws

LIVE = {"name": "live", "version": "Latest"}
PUBLISH = {"publish": "OnChange"}


@pytest.fixture(scope="module")
def aws(aws):
    for number in range(1, 7):
        aws.upload(f"app/{number}.zip", f"x = {number}\n")
    return aws


def apply(cluster, namespace, number, *aliases, versions=PUBLISH, **spec):
    """Applies the code of that number; the settled resource."""
    code = {"s3Bucket": "artifacts", "s3Key": f"app/{number}.zip"}
    cluster.apply(function("app", namespace, code=code, versions=versions, aliases=list(aliases) or None, **spec))
    return settled(cluster, "app", namespace)


def versions(aws):
    """Number -> description, of all that were published."""
    found = aws.functions.list_versions_by_function(FunctionName="preview-app")["Versions"]
    return {one["Version"]: one["Description"] for one in found if one["Version"] != "$LATEST"}


def aliases(aws):
    """Name -> (version, {additional: weight}) ."""
    found = aws.functions.list_aliases(FunctionName="preview-app")["Aliases"]
    return {one["Name"]: (one["FunctionVersion"], one.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})) for one in found}


def writes(aws, mark):
    done = [one["operation"] for one in aws.journal(since=mark)]
    return [one for one in done if not one.startswith(("Get", "List"))]


# --- versions -------------------------------------------------------------------------------------


def test_a_version_is_published_of_each_state_once_it_is_in_force(cluster, aws, serve, namespace):
    status = apply(cluster, namespace, 1)["status"]
    assert status["version"] == "1" and status["versions"] == "1"
    assert versions(aws) == {"1": "kubelambda: generation 1, app/1.zip"}
    mark = aws.mark()
    status = apply(cluster, namespace, 2, memorySize=256)["status"]
    assert writes(aws, mark) == ["UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"]
    assert versions(aws)["2"] == "kubelambda: generation 2, app/2.zip"
    history = status["history"]
    assert [(one["version"], one["key"], one["generation"]) for one in history] == [("2", "app/2.zip", 2), ("1", "app/1.zip", 1)]
    assert [one["codeSha256"] for one in history] == [aws.sha256("app/2.zip"), aws.sha256("app/1.zip")]
    shown = cluster.run("get", "lambdafunction", "app", "-n", namespace).stdout.splitlines()
    assert dict(zip(shown[0].split(), shown[1].split(), strict=True))["VERSION"] == "2"


def test_what_does_not_change_the_function_publishes_nothing(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1)
    mark = aws.mark()
    status = apply(cluster, namespace, 1, tags={"team": "a"}, reservedConcurrency=5)["status"]
    assert sorted(writes(aws, mark)) == ["PutFunctionConcurrency", "TagResource"]
    assert status["version"] == "1" and len(status["history"]) == 1


def test_nothing_is_published_where_nobody_asks_for_it(cluster, aws, serve, namespace):
    status = apply(cluster, namespace, 1, versions=None)["status"]
    assert versions(aws) == {} and "version" not in status
    assert [one["key"] for one in status["history"]] == ["app/1.zip"]
    apply(cluster, namespace, 1)
    assert list(versions(aws)) == ["1"]


def test_old_versions_go_but_not_those_that_an_alias_names_or_others_published(cluster, aws, serve, namespace):
    keep = {"publish": "OnChange", "keep": 2}
    apply(cluster, namespace, 1)
    apply(cluster, namespace, 2)
    aws.functions.update_function_configuration(FunctionName="preview-app", Timeout=77)
    aws.functions.publish_version(FunctionName="preview-app", Description="by hand")
    aws.functions.create_alias(FunctionName="preview-app", Name="theirs", FunctionVersion="1")
    apply(cluster, namespace, 3, timeout=5)
    apply(cluster, namespace, 4, timeout=5)
    status = apply(cluster, namespace, 5, versions=keep, timeout=5)["status"]
    assert list(versions(aws)) == ["1", "3", "5", "6"]  # named by an alias, by hand, the newest two of ours
    assert versions(aws)["3"] == "by hand"
    assert status["versions"] == "1,3,5-6" and status["version"] == "6"


def test_a_version_that_aws_does_not_let_go_of_stays_and_is_told_of(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1)
    apply(cluster, namespace, 2)
    refusal = {"status": 409, "code": "ResourceConflictException", "message": "The version is in use."}
    held = aws.rule("DeleteFunction", **refusal)
    status = apply(cluster, namespace, 3, versions={"publish": "OnChange", "keep": 1})["status"]
    assert list(versions(aws)) == ["1", "2", "3"] and status["versions"] == "1-3"
    assert aws.hits(held) == 2, "each was tried once"


def test_a_version_whose_snapshot_is_still_made_is_waited_for(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)
    aws.rule("PublishVersion", times=1, merge={"State": "Pending", "StateReasonCode": "Creating"})
    mark = aws.mark()
    apply(cluster, namespace, 2, LIVE)
    done = [one["operation"] for one in aws.journal(since=mark)]
    between = done[done.index("PublishVersion") : done.index("UpdateAlias")]
    assert between.count("GetFunction") == 2, done  # of the function, and of the version
    assert aliases(aws)["live"] == ("2", {})


def test_a_version_whose_snapshot_fails_gets_no_alias_and_the_next_one_does(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)
    publishes = aws.rule("PublishVersion", times=1, hold=True, merge={"State": "Pending", "StateReasonCode": "Creating"})
    code = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
    cluster.apply(function("app", namespace, code=code, versions=PUBLISH, aliases=[LIVE]))
    wait_for(lambda: aws.hits(publishes), what="the version being published")
    # The next one is of the function, the one after it of the version.
    aws.rule("GetFunction", skip=1, times=1, merge={"Configuration": {"State": "Failed", "StateReason": "init failed"}})
    aws.release(publishes)
    ready = conditions(settled(cluster, "app", namespace, "Stalled"))["Ready"]
    assert ready[1] == "VersionFailed" and "version 2: init failed" in ready[2], ready
    assert aliases(aws)["live"] == ("1", {})
    apply(cluster, namespace, 3, LIVE)
    assert aliases(aws)["live"] == ("3", {})


# --- aliases --------------------------------------------------------------------------------------


def test_an_alias_follows_the_latest_version_and_another_stays_one_behind(cluster, aws, serve, namespace):
    both = (LIVE, {"name": "before", "version": "Previous"})
    apply(cluster, namespace, 1, *both)
    assert aliases(aws) == {"live": ("1", {}), "before": ("1", {})}  # there is no previous one yet
    mark = aws.mark()
    status = apply(cluster, namespace, 2, *both)["status"]
    assert aliases(aws) == {"live": ("2", {}), "before": ("1", {})}
    assert writes(aws, mark) == ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"]
    apply(cluster, namespace, 3, *both)
    assert aliases(aws) == {"live": ("3", {}), "before": ("2", {})}
    assert {one["name"]: one["version"] for one in status["aliases"]} == {"live": "2", "before": "1"}


def test_other_peoples_aliases_are_left_alone_and_ours_go_with_their_declaration(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE, {"name": "next", "version": "1", "description": "soon"})
    aws.functions.create_alias(FunctionName="preview-app", Name="theirs", FunctionVersion="1")
    found = aws.functions.get_alias(FunctionName="preview-app", Name="next")
    assert found["Description"] == "soon"
    mark = aws.mark()
    status = apply(cluster, namespace, 1, LIVE)["status"]
    assert writes(aws, mark) == ["DeleteAlias"] and set(aliases(aws)) == {"live", "theirs"}
    assert status["managed"] == ["aliases.live"]
    apply(cluster, namespace, 1)
    assert set(aliases(aws)) == {"theirs"}


def test_a_canary_grows_by_three_applies_and_goes_back(cluster, aws, serve, namespace):
    def live(weight):
        more = [{"version": "2", "weight": weight}] if weight else None
        return {"name": "live", "version": "1", "additionalVersions": more} if more else {"name": "live", "version": "1"}

    apply(cluster, namespace, 1, live(0))
    apply(cluster, namespace, 2, live(0))
    for weight in (10, 50, 100):
        mark = aws.mark()
        status = apply(cluster, namespace, 2, live(weight))["status"]
        assert aliases(aws)["live"] == ("1", {"2": weight / 100})
        assert writes(aws, mark) == ["UpdateAlias"]
        assert status["aliases"] == [{"name": "live", "version": "1", "additionalVersion": "2", "weight": weight}]
    apply(cluster, namespace, 2, live(0))
    assert aliases(aws)["live"] == ("1", {})


# --- provisioned concurrency, asynchronous invocation -----------------------------------------------


def test_provisioned_concurrency_is_ready_before_the_function_is(cluster, aws, serve, namespace):
    ready = {**LIVE, "provisionedConcurrency": 3}
    apply(cluster, namespace, 1, LIVE)
    aws.settings(update_ms=2500)
    cluster.apply(function("app", namespace, versions=PUBLISH, aliases=[ready]))
    wait_for(lambda: aws.journal("PutProvisionedConcurrencyConfig"), what="the request")
    assert conditions(cluster.functions(namespace)["app"])["Ready"][0] == "False"
    status = settled(cluster, "app", namespace)["status"]
    assert status["aliases"][0]["provisionedConcurrency"] == {"requested": 3, "available": 3, "status": "READY"}
    aws.settings(update_ms=0)
    mark = aws.mark()
    apply(cluster, namespace, 1, LIVE)
    assert writes(aws, mark) == ["DeleteProvisionedConcurrencyConfig"]


def test_provisioned_concurrency_that_fails_stalls_with_the_reason_of_aws(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)
    failed = {"Status": "FAILED", "StatusReason": "the account has no more"}
    aws.rule("PutProvisionedConcurrencyConfig", merge=failed)
    aws.rule("GetProvisionedConcurrencyConfig", merge=failed)
    cluster.apply(function("app", namespace, versions=PUBLISH, aliases=[{**LIVE, "provisionedConcurrency": 3}]))
    resource = settled(cluster, "app", namespace, "Stalled")
    _, reason, message = conditions(resource)["Stalled"]
    assert reason == "ProvisionedConcurrencyFailed" and "the account has no more" in message


def test_provisioned_concurrency_that_others_set_is_left_alone(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)
    aws.functions.put_provisioned_concurrency_config(FunctionName="preview-app", Qualifier="live", ProvisionedConcurrentExecutions=2)
    apply(cluster, namespace, 2, LIVE)
    found = aws.functions.get_provisioned_concurrency_config(FunctionName="preview-app", Qualifier="live")
    assert found["RequestedProvisionedConcurrentExecutions"] == 2


def test_asynchronous_invocation_of_an_alias_is_set_changed_and_removed(cluster, aws, serve, namespace):
    queue = "arn:aws:sqs:us-east-1:123456789012:failed"

    def shown():
        return aws.functions.get_function_event_invoke_config(FunctionName="preview-app", Qualifier="live")

    apply(cluster, namespace, 1, {**LIVE, "asyncInvoke": {"maximumRetryAttempts": 0}})
    assert shown()["MaximumRetryAttempts"] == 0
    apply(cluster, namespace, 1, {**LIVE, "asyncInvoke": {"onFailure": queue}})
    assert shown()["DestinationConfig"]["OnFailure"] == {"Destination": queue} and "MaximumRetryAttempts" not in shown()
    mark = aws.mark()
    apply(cluster, namespace, 1, LIVE)
    assert writes(aws, mark) == ["DeleteFunctionEventInvokeConfig"]
    with pytest.raises(aws.functions.exceptions.ResourceNotFoundException):
        shown()


# --- many changes, crashes --------------------------------------------------------------------------


def test_of_quick_successive_changes_only_what_was_in_force_is_published(cluster, aws, serve, namespace):
    aws.settings(update_ms=300)
    apply(cluster, namespace, 1, LIVE)
    mark = aws.mark()
    path = f"/apis/kubelambda.io/v1alpha1/namespaces/{namespace}/lambdafunctions/app"
    for number in range(20):
        patch = {"spec": {"code": {"s3Key": f"app/{number % 6 + 1}.zip"}, "versions": {"keep": 4}}}
        status, answer = cluster.request("PATCH", path, patch, "application/merge-patch+json")
        assert status == 200, answer
    resource = settled(cluster, "app", namespace, seconds=60)
    calls = aws.journal("UpdateFunctionCode", "PublishVersion", since=mark)
    in_force = {aws.sha256("app/1.zip")}
    for one in calls:
        assert one["status"] in (200, 201), one
        body = json.loads(one["body"]) if isinstance(one["body"], str) else one["body"]
        if one["operation"] == "UpdateFunctionCode":
            in_force.add(aws.sha256(body["S3Key"]))
        else:
            assert body["CodeSha256"] in in_force
    published = versions(aws)
    assert resource["status"]["version"] == list(published)[-1] and 1 <= len(published) <= 4
    newest = aws.functions.get_function(FunctionName="preview-app", Qualifier=resource["status"]["version"])
    assert newest["Configuration"]["CodeSha256"] == aws.sha256("app/2.zip")
    assert aliases(aws)["live"] == (resource["status"]["version"], {})


@pytest.mark.parametrize("operation", ["PublishVersion", "CreateAlias", "PutProvisionedConcurrencyConfig"])
def test_a_step_whose_answer_was_lost_is_not_done_twice(cluster, aws, serve, namespace, operation):
    aws.rule(operation, times=1, perform=True, status=503, html="gone")
    apply(cluster, namespace, 1, {**LIVE, "provisionedConcurrency": 2})
    assert list(versions(aws)) == ["1"] and aliases(aws) == {"live": ("1", {})}


@pytest.mark.parametrize("operation", ["PublishVersion", "UpdateAlias", "DeleteFunction"])
def test_a_crash_after_a_step_is_made_good_by_the_next_start(cluster, aws, serve, namespace, operation):
    spec = {"versions": {"publish": "OnChange", "keep": 1}}
    apply(cluster, namespace, 1, LIVE, **spec)
    rule = aws.rule(operation, times=1, perform=True, hold=True)
    code = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
    cluster.apply(function("app", namespace, code=code, aliases=[LIVE], **spec))
    wait_for(lambda: aws.hits(rule), what=operation)
    serve.kill()
    aws.release(rule)
    serve.start()
    resource = settled(cluster, "app", namespace, seconds=60)
    assert resource["status"]["version"] == "2" and list(versions(aws)) == ["2"]
    assert aliases(aws) == {"live": ("2", {})}


# --- admission ------------------------------------------------------------------------------------


def test_an_alias_to_a_version_that_is_missing_is_refused_with_what_there_is(cluster, aws, serve, namespace):
    keep = {"publish": "OnChange", "keep": 1}
    apply(cluster, namespace, 1, versions=keep)
    apply(cluster, namespace, 2, versions=keep)

    def refusal(**alias):
        declared = function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": "app/2.zip"}, versions=keep, aliases=[alias])
        answer = cluster.apply(declared, check=False)
        assert answer.returncode != 0
        return answer.stderr

    assert "spec.aliases: Not found: live points to version 1, which was deleted; there are 2" in refusal(name="live", version="1")
    assert "live points to version 9, which was not published yet; there are 2" in refusal(name="live", version="9")
    assert "spec.aliases[0].name: Invalid value" in refusal(name="7", version="2")
    more = [{"version": "2", "weight": 101}]
    assert "spec.aliases[0].additionalVersions[0].weight: Invalid value: 101: must be between 0 and 100" in refusal(
        name="live", version="Latest", additionalVersions=more
    )


def test_a_dry_run_tells_what_becomes_of_versions_and_aliases(cluster, aws, serve, namespace):
    keep = {"publish": "OnChange", "keep": 1}
    apply(cluster, namespace, 1, LIVE, versions=keep)
    code = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
    declared = function("app", namespace, code=code, versions=keep, aliases=[LIVE, {"name": "next", "version": "1"}])
    told = cluster.apply(declared, flags=["--dry-run=server"]).stderr
    assert "applying this deploys new code; publishes a version; points the alias live to the new version; creates" in told


def test_plan_shows_what_becomes_of_aliases_and_nothing_where_all_is_in_force(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)

    def plan(**spec):
        declared = function("app", namespace, versions=PUBLISH, functionName="preview-app", region="us-east-1", **spec)
        env = {"HOME": str(serve.directory), **aws.env()}
        return subprocess.run([BINARY, "plan", "-f", "-"], input=json.dumps(declared), capture_output=True, text=True, env=env, timeout=60)

    result = plan(aliases=[LIVE])
    assert result.returncode == 0 and "1 same" in result.stdout, result
    result = plan(aliases=[LIVE, {"name": "next", "version": "1"}], memorySize=256)
    assert result.returncode == 2
    assert "changes memorySize; publishes a version; points the alias live to the new version" in result.stdout
    assert '+ aliases[next]: {"name":"next","version":"1"}' in result.stdout


# --- rollback -------------------------------------------------------------------------------------


def rollback(cluster, namespace, *options, user="admin"):
    """Runs the command; the result has returncode, stdout, stderr; and how long it took."""
    begun = time.monotonic()
    result = subprocess.run(
        [BINARY, "rollback", f"{namespace}/app", "--kubeconfig", cluster.config(user), *options],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result, time.monotonic() - begun


def test_a_rollback_of_code_is_one_update_and_in_force_within_three_seconds(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1)
    apply(cluster, namespace, 2)
    aws.settings(update_ms=800)
    mark = aws.mark()
    result, seconds = rollback(cluster, namespace)
    assert result.returncode == 0, result.stderr
    assert seconds <= 3
    assert [one for one in writes(aws, mark) if one != "PublishVersion"] == ["UpdateFunctionCode"]
    assert aws.function("preview-app")["Configuration"]["CodeSha256"] == aws.sha256("app/1.zip")
    assert "- app/2.zip, version 2 (in force since " in result.stdout and "+ app/1.zip, version 1 (" in result.stdout
    assert "In force." in result.stdout and "To keep it: commit this" in result.stdout
    commit = yaml.safe_load(result.stdout.partition("\n\n")[2])
    assert commit == {"spec": {"code": {"s3Bucket": "artifacts", "s3Key": "app/1.zip"}}}
    status = cluster.functions(namespace)["app"]["status"]
    assert [one["key"] for one in status["history"]] == ["app/1.zip", "app/2.zip", "app/1.zip"]
    result, _ = rollback(cluster, namespace, "--to", "2")  # where it is already
    assert result.returncode == 0 and "That is declared already, and in force; nothing is changed." in result.stdout


def test_a_rollback_of_code_passes_by_the_versions_of_the_same_code(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1)
    apply(cluster, namespace, 2)
    apply(cluster, namespace, 2, memorySize=256)
    result, _ = rollback(cluster, namespace)
    assert result.returncode == 0, result.stderr
    assert "- app/2.zip, version 3 (" in result.stdout and "+ app/1.zip, version 1 (" in result.stdout
    assert aws.function("preview-app")["Configuration"]["CodeSha256"] == aws.sha256("app/1.zip")


def declare_what_aws_refuses(cluster, aws, namespace, number):
    """After two states that were in force."""
    apply(cluster, namespace, 1)
    apply(cluster, namespace, 2)
    aws.rule("UpdateFunctionCode", status=400, code="InvalidParameterValueException", message="not like that")
    cluster.apply(function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": f"app/{number}.zip"}, versions=PUBLISH))
    settled(cluster, "app", namespace, "Stalled")


def test_a_rollback_from_code_that_aws_refuses_goes_back_to_what_is_in_force(cluster, aws, serve, namespace):
    declare_what_aws_refuses(cluster, aws, namespace, 3)
    result, _ = rollback(cluster, namespace)
    assert result.returncode == 0, result.stderr
    assert "- app/3.zip (declared, not in force)\n+ app/2.zip, version 2 (" in result.stdout
    assert cluster.functions(namespace)["app"]["spec"]["code"]["s3Key"] == "app/2.zip"


def test_a_rollback_to_code_that_is_declared_and_not_in_force_says_so(cluster, aws, serve, namespace):
    declare_what_aws_refuses(cluster, aws, namespace, 1)
    result, _ = rollback(cluster, namespace, "--to", "1")
    assert result.returncode == 0, result.stderr
    assert "\nThat is declared already, and not in force; nothing is changed.\n" in result.stdout
    assert ": UpdateFunctionCode: InvalidParameterValueException: not like that\nHow far it is: " in result.stdout
    assert f"\nHow far it is: kubectl describe lambdafunction app -n {namespace}\n" in result.stdout


def test_a_rollback_of_an_alias_is_one_write_and_no_deployment(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)
    apply(cluster, namespace, 2, LIVE)
    apply(cluster, namespace, 3, LIVE)
    aws.settings(update_ms=800)
    time.sleep(3)  # what was written a moment ago might not show yet, and would be waited for
    mark = aws.mark()
    result, seconds = rollback(cluster, namespace, "--alias", "live")
    assert result.returncode == 0, result.stderr
    assert seconds <= 3
    assert writes(aws, mark) == ["UpdateAlias"] and aliases(aws)["live"] == ("2", {})
    assert "- live at version 3 (Latest)\n+ live at version 2\n" in result.stdout
    commit = yaml.safe_load(result.stdout.partition("\n\n")[2])
    assert commit == {"spec": {"aliases": [{"name": "live", "version": "2"}]}}
    result, _ = rollback(cluster, namespace, "--alias", "live", "--to", "1")
    assert result.returncode == 0 and aliases(aws)["live"] == ("1", {})


def test_a_rollback_that_cannot_be_says_what_there_is_and_changes_nothing(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1, LIVE)
    apply(cluster, namespace, 2, LIVE)
    mark = aws.mark()
    refusals = {
        ("--to", "9"): "the history goes 1 states back, not 9",
        ("--alias", "gone"): "spec.aliases has no gone",
        ("--alias", "live", "--to", "9"): "there is no version 9; there are 1-2",
    }
    for options, message in refusals.items():
        result, _ = rollback(cluster, namespace, *options)
        assert result.returncode == 1 and message in result.stderr
    for options in (("--to", "x"), ("--timeout", "soon"), ("more",)):
        assert rollback(cluster, namespace, *options)[0].returncode == 2
    result, _ = rollback(cluster, namespace, "--dry-run")
    assert result.returncode == 0 and "Nothing was changed: this is a dry run." in result.stdout
    assert writes(aws, mark) == [] and cluster.functions(namespace)["app"]["spec"]["code"]["s3Key"] == "app/2.zip"


def test_a_rollback_that_stalls_ends_with_the_reason(cluster, aws, serve, namespace):
    apply(cluster, namespace, 1)
    apply(cluster, namespace, 2)
    aws.rule("UpdateFunctionCode", times=1, status=400, code="InvalidParameterValueException", message="not like that")
    result, _ = rollback(cluster, namespace)
    assert result.returncode == 1 and "not like that" in result.stderr
    assert "it cannot be put in force" in result.stderr
