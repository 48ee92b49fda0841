"""The table test, complete, against the scripted AWS, which keeps every member: each field of the CRD is set,
changed and removed by kubectl, and AWS follows each time."""

import pytest
from examples import APART, ASKED, EXAMPLES, GROUPS, IMAGE, OURS, SUBNETS, declared, fields, seen
from fields_steps import follows
from harness import conditions, function, settled

pytestmark = pytest.mark.scripted_aws(unlimited_users=["admin", "kubelambda"])

TENANCY = {"tenancyConfig": {"tenantIsolationMode": "PER_TENANT"}}


def operations(aws, mark):
    return [one["operation"] for one in aws.journal(since=mark)]


def test_every_field_of_the_table_has_an_example():
    assert fields() == EXAMPLES.keys() | APART | OURS


@pytest.mark.parametrize("path", sorted(EXAMPLES))
def test_a_field_is_set_changed_and_removed(cluster, aws, serve, namespace, path):
    follows(cluster, aws, serve, namespace, path)


def test_a_function_is_created_with_everything_at_once_by_one_call_and_one_for_each_side(cluster, aws, serve, namespace):
    other = ("packageType", "code.imageUri", "imageConfig", "runtimeConfig", "snapStart", "region", "functionName")
    paths = [one for one in EXAMPLES if not one.startswith(other)]
    parts = [{path: EXAMPLES[path].first} for path in paths]
    parts.append({"runtimeManagement.updateRuntimeOn": "Manual"})
    mark = aws.mark()
    cluster.apply(declared(namespace, *parts))
    settled(cluster, "app", namespace)
    for path in paths:
        if path != "runtimeManagement.updateRuntimeOn":
            assert EXAMPLES[path].shown(seen(aws, "preview-app", path)) == EXAMPLES[path].first, path
    assert sorted(one for one in operations(aws, mark) if one != "GetFunction") == [
        "CreateFunction",
        "PutFunctionConcurrency",
        "PutFunctionEventInvokeConfig",
        "PutFunctionRecursionConfig",
        "PutRuntimeManagementConfig",
    ]
    assert operations(aws, mark).count("GetFunction") == 1

    mark = aws.mark()
    cluster.apply(declared(namespace))
    settled(cluster, "app", namespace)
    for path in paths:
        example = EXAMPLES[path]
        removed = None if path.endswith("LogLevel") else example.removed  # Text has none
        if isinstance(removed, (str, int, list, dict, type(None))):
            assert example.shown(seen(aws, "preview-app", path)) == removed, path
    assert operations(aws, mark).count("UpdateFunctionConfiguration") == 1


def test_an_image_is_created_with_all_that_only_images_have(cluster, aws, serve, namespace):
    parts = {path: EXAMPLES[path].first for path in EXAMPLES if path.startswith("imageConfig.")}
    mark = aws.mark()
    cluster.apply(declared(namespace, IMAGE, parts))
    assert settled(cluster, "app", namespace)["status"]["deployed"]["imageUri"] == IMAGE["code"]["imageUri"]
    for path, value in parts.items():
        assert EXAMPLES[path].shown(seen(aws, "preview-app")) == value
    assert operations(aws, mark).count("CreateFunction") == 1
    assert not [one for one in operations(aws, mark) if one.startswith("Update")]


def test_a_tenancy_is_set_at_creation_and_never_changed(cluster, aws, serve, namespace):
    cluster.apply(declared(namespace, TENANCY))
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Configuration"]["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
    refusal = cluster.apply(declared(namespace), check=False)
    assert refusal.returncode != 0 and "spec.tenancyConfig" in refusal.stderr
    assert "cannot be changed" in refusal.stderr
    cluster.apply(declared(namespace, name="plain"))
    settled(cluster, "plain", namespace)
    refusal = cluster.apply(declared(namespace, TENANCY, name="plain"), check=False)
    assert refusal.returncode != 0 and "it cannot be changed from absent" in refusal.stderr


def test_the_object_itself_runs_when_it_is_declared_so_and_a_copy_again_when_it_is_not(cluster, aws, serve, namespace):
    version = aws.upload("app/by-reference.zip")["VersionId"]
    code = {"s3Bucket": "artifacts", "s3Key": "app/by-reference.zip", "s3ObjectVersion": version}
    reference = code | {"s3ObjectStorageMode": "REFERENCE"}
    cluster.apply(function("app", namespace, code=code))
    settled(cluster, "app", namespace)
    assert "ResolvedS3Object" not in aws.function("preview-app")["Code"]
    cluster.apply(function("app", namespace, code=reference))
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Code"]["ResolvedS3Object"]["S3ObjectVersion"] == version
    cluster.apply(function("app", namespace, code=code))
    settled(cluster, "app", namespace)
    assert "ResolvedS3Object" not in aws.function("preview-app")["Code"]
    del reference["s3ObjectVersion"]
    refusal = cluster.apply(function("app", namespace, code=reference), check=False)
    assert refusal.returncode != 0 and "spec.code.s3ObjectVersion: Required value" in refusal.stderr


def test_no_concurrency_at_all_is_a_value_and_not_none(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace, reservedConcurrency=0))
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    assert "Concurrency" not in aws.function("preview-app")


def test_what_nobody_declared_is_neither_asked_for_nor_touched(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    aws.functions.put_function_concurrency(FunctionName="preview-app", ReservedConcurrentExecutions=5)
    aws.functions.put_function_recursion_config(FunctionName="preview-app", RecursiveLoop="Allow")
    mark = aws.mark()
    cluster.apply(function("app", namespace, timeout=30))
    settled(cluster, "app", namespace)
    assert set(operations(aws, mark)) == {"GetFunction", "UpdateFunctionConfiguration"}
    assert aws.function("preview-app")["Concurrency"] == {"ReservedConcurrentExecutions": 5}


def test_a_side_call_that_meets_a_busy_function_is_made_again(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    message = "The operation cannot be performed at this time. An update is in progress for resource: app"
    rule = aws.rule("PutFunctionEventInvokeConfig", times=1, status=409, code="ResourceConflictException", message=message)
    cluster.apply(function("app", namespace, asyncInvoke={"maximumRetryAttempts": 1}))
    settled(cluster, "app", namespace)
    assert aws.hits(rule) == 1
    assert seen(aws, "preview-app", "asyncInvoke")["asyncInvoke"]["MaximumRetryAttempts"] == 1
    aws.rules_off()


@pytest.mark.parametrize("side", sorted(ASKED))
def test_a_side_that_cannot_be_read_is_reported_with_the_missing_permission(cluster, aws, serve, namespace, side):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    example = next(one for path, one in EXAMPLES.items() if path.startswith(side) and not one.beside)
    path = next(path for path, one in EXAMPLES.items() if one is example)
    operation = "".join(part.capitalize() for part in ASKED[side].split("_"))
    rule = aws.rule(operation, status=403, code="AccessDeniedException", message="not authorized")
    cluster.apply(declared(namespace, {path: example.first}))
    resource = settled(cluster, "app", namespace, "Reconciling", seconds=60)
    _, reason, message = conditions(resource)["Reconciling"]
    assert aws.hits(rule) > 0
    assert (reason, f"lambda:{operation}" in message) == ("AccessDenied", True), message
    aws.rules_off()
    settled(cluster, "app", namespace, seconds=60)


def test_a_function_whose_creation_failed_is_made_anew_once(cluster, aws, serve, namespace):
    rule = aws.rule("CreateFunction", times=1, fail={"code": "SubnetOutOfIPAddresses", "reason": "the subnet is full"})
    mark = aws.mark()
    cluster.apply(declared(namespace, SUBNETS, GROUPS))
    settled(cluster, "app", namespace)
    made = [one for one in operations(aws, mark) if one in ("CreateFunction", "DeleteFunction")]
    assert made == ["CreateFunction", "DeleteFunction", "CreateFunction"]
    assert aws.hits(rule) == 1
    aws.rules_off()


def test_a_function_whose_creation_fails_again_stalls_with_the_reason_of_aws(cluster, aws, serve, namespace):
    aws.rule("CreateFunction", fail={"code": "SubnetOutOfIPAddresses", "reason": "the subnet is full"})
    mark = aws.mark()
    cluster.apply(declared(namespace, SUBNETS, GROUPS))
    resource = settled(cluster, "app", namespace, "Stalled")
    _, reason, message = conditions(resource)["Stalled"]
    assert (reason, "the subnet is full" in message) == ("FunctionFailed", True)
    assert operations(aws, mark).count("CreateFunction") == 2
    aws.rules_off()
    cluster.apply(declared(namespace, SUBNETS, GROUPS, {"description": "another try"}))
    settled(cluster, "app", namespace)


def test_an_idle_function_is_healthy_and_can_be_changed(cluster, aws, serve, namespace):
    cluster.apply(function("app", namespace))
    settled(cluster, "app", namespace)
    aws.change("preview-app", state="Inactive", reason=["Idle", "The function is idle."])
    cluster.apply(function("app", namespace, timeout=30))
    settled(cluster, "app", namespace)
    assert aws.function("preview-app")["Configuration"]["Timeout"] == 30
