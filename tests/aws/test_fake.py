"""The scripted AWS behaves as AWS does: its messages, states, pages, limits and faults, seen with boto3."""

import base64
import hashlib
import http.client
import io
import json
import os
import pathlib
import time
import zipfile

import boto3
import botocore.exceptions
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from client import connect, read_env
from fake_aws import Fake

ROLE = "arn:aws:iam::123456789012:role/fake"
OTHER_ROLE = "arn:aws:iam::210987654321:role/other"


def archive(text="def handler(event, context): pass\n"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("app.py", (2020, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    one = Fake(tmp_path_factory.mktemp("fake"))
    yield one
    one.stop()


@pytest.fixture
def fake(process):
    process.reset()
    process.objects.put_object(Bucket="artifacts", Key="app/1.zip", Body=archive(), ChecksumAlgorithm="SHA256")
    process.objects.put_object(Bucket="artifacts", Key="app/2.zip", Body=archive("x = 2\n"), ChecksumAlgorithm="SHA256")
    return process


def create(fake, name="app", **members):
    wanted = {
        "FunctionName": name, "Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE,
        "Code": {"S3Bucket": "artifacts", "S3Key": "app/1.zip"}, **members,
    }  # fmt: skip
    return fake.functions.create_function(**{key: value for key, value in wanted.items() if value is not None})


def refusal(call, **arguments):
    """Code, message and status of a refused call."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    message = answer["Error"].get("Message") or answer.get("Message") or ""
    return answer["Error"]["Code"], message, answer["ResponseMetadata"]["HTTPStatusCode"]


def as_kubelambda(fake, service="lambda", **env):
    return connect(service, {**read_env(fake.directory / "kubelambda.env"), **env})


# --- states ---------------------------------------------------------------------------------------


def test_a_new_function_is_pending_and_then_active(fake):
    fake.settings(pending_ms=60000)
    made = create(fake)
    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    assert made["StateReason"] == "The function is being created." and "LastUpdateStatus" not in made
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(archive()).digest()).decode()
    assert refusal(fake.functions.update_function_configuration, FunctionName="app", Timeout=9) == (
        "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the following state: Pending",
        409,
    )
    fake.advance(61)
    seen = fake.functions.get_function(FunctionName="app")["Configuration"]
    assert (seen["State"], seen["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in seen and seen["RevisionId"] != made["RevisionId"]


def test_an_update_is_in_progress_and_changes_the_revision_twice(fake):
    create(fake)
    fake.settings(update_ms=60000)
    first = fake.functions.get_function(FunctionName="app")["Configuration"]["RevisionId"]
    update = fake.functions.update_function_configuration(FunctionName="app", Timeout=9, RevisionId=first)
    assert (update["State"], update["LastUpdateStatus"], update["LastUpdateStatusReasonCode"]) == ("Active", "InProgress", "Creating")
    code, message, status = refusal(fake.functions.update_function_code, FunctionName="app", S3Bucket="artifacts", S3Key="app/2.zip")
    assert (code, status) == ("ResourceConflictException", 409)
    assert message == f"The operation cannot be performed at this time. An update is in progress for resource: {update['FunctionArn']}"
    fake.advance(61)
    last = fake.functions.get_function(FunctionName="app")["Configuration"]
    assert last["LastUpdateStatus"] == "Successful" and last["Timeout"] == 9
    assert len({first, update["RevisionId"], last["RevisionId"]}) == 3
    for call in (fake.functions.update_function_configuration, fake.functions.publish_version):
        code, message, status = refusal(call, FunctionName="app", RevisionId=first)
        assert (code, status) == ("PreconditionFailedException", 412)
        assert message.startswith("The Revision Id provided does not match the latest Revision Id.")


def test_a_creation_and_an_update_fail_on_request(fake):
    why = {"code": "InvalidSubnet", "reason": "the subnet is gone"}
    fake.rule("CreateFunction", user="*", times=1, fail=why)
    create(fake, "broken")
    seen = fake.functions.get_function(FunctionName="broken")["Configuration"]
    assert (seen["State"], seen["StateReasonCode"], seen["StateReason"]) == ("Failed", "InvalidSubnet", "the subnet is gone")
    create(fake)
    fake.functions.get_function(FunctionName="app")
    fake.rule("UpdateFunctionConfiguration", user="*", times=1, fail=why)
    fake.functions.update_function_configuration(FunctionName="app", Timeout=9)
    seen = fake.functions.get_function(FunctionName="app")["Configuration"]
    assert (seen["LastUpdateStatus"], seen["LastUpdateStatusReason"], seen["Timeout"]) == ("Failed", "the subnet is gone", 3)


# --- members --------------------------------------------------------------------------------------

EVERYTHING = {
    "Description": "d", "Timeout": 10, "MemorySize": 256,
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": True},
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"},
    "Environment": {"Variables": {"AB": "c"}}, "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "TracingConfig": {"Mode": "Active"}, "Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"],
    "FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-01234567890123456", "LocalMountPath": "/mnt/x"}],
    "EphemeralStorage": {"Size": 1024}, "SnapStart": {"ApplyOn": "PublishedVersions"},
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "DEBUG", "LogGroup": "g"},
}  # fmt: skip


def test_every_member_is_kept_and_shown(fake):
    create(fake, **EVERYTHING, Architectures=["arm64"], Tags={"a": "b"})
    seen = fake.functions.get_function(FunctionName="app")
    configuration = seen["Configuration"]
    for name, value in EVERYTHING.items():
        if name == "Layers":
            assert [one["Arn"] for one in configuration[name]] == value
        elif isinstance(value, dict):
            assert {key: configuration[name].get(key) for key in value} == value, name
        else:
            assert configuration[name] == value
    assert configuration["Architectures"] == ["arm64"] and seen["Tags"] == {"a": "b"}
    assert configuration["VpcConfig"]["VpcId"]


def test_an_update_replaces_what_it_names_and_leaves_the_rest(fake):
    create(fake, **EVERYTHING)
    fake.functions.get_function(FunctionName="app")
    fake.functions.update_function_configuration(FunctionName="app", Environment={"Variables": {"XY": "z"}}, Layers=[])
    fake.functions.get_function(FunctionName="app")
    seen = fake.functions.get_function(FunctionName="app")["Configuration"]
    assert seen["Environment"] == {"Variables": {"XY": "z"}} and "Layers" not in seen
    assert (seen["Timeout"], seen["LoggingConfig"]["LogGroup"]) == (10, "g")
    fake.functions.update_function_configuration(
        FunctionName="app", Environment={"Variables": {}}, KMSKeyArn="", DeadLetterConfig={"TargetArn": ""},
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}, FileSystemConfigs=[], Description="",
    )  # fmt: skip
    seen = fake.functions.get_function(FunctionName="app")["Configuration"]
    assert {"Environment", "KMSKeyArn", "DeadLetterConfig", "FileSystemConfigs"}.isdisjoint(seen)
    assert seen["VpcConfig"]["SubnetIds"] == [] and seen["Description"] == ""


def test_what_has_calls_of_its_own_is_set_shown_and_removed(fake):
    call, name = fake.functions, {"FunctionName": "app"}
    create(fake)
    assert "ReservedConcurrentExecutions" not in call.get_function_concurrency(**name)
    call.put_function_concurrency(**name, ReservedConcurrentExecutions=0)
    assert call.get_function(**name)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    code, message, _ = refusal(call.put_function_concurrency, **name, ReservedConcurrentExecutions=901)
    assert code == "InvalidParameterValueException" and "UnreservedConcurrentExecution below its minimum value of [100]." in message
    call.delete_function_concurrency(**name)
    assert "Concurrency" not in call.get_function(**name)

    call.put_function_event_invoke_config(**name, MaximumRetryAttempts=1)
    call.update_function_event_invoke_config(**name, MaximumEventAgeInSeconds=60)
    seen = call.get_function_event_invoke_config(**name)
    assert (seen["MaximumRetryAttempts"], seen["MaximumEventAgeInSeconds"]) == (1, 60)
    call.put_function_event_invoke_config(**name, MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in call.get_function_event_invoke_config(**name)
    call.delete_function_event_invoke_config(**name)
    assert refusal(call.get_function_event_invoke_config, **name)[0] == "ResourceNotFoundException"
    assert refusal(call.put_function_event_invoke_config, **name)[1] == "You must specify at least one of error handling or destination setting."

    assert call.get_function_recursion_config(**name)["RecursiveLoop"] == "Terminate"
    call.put_function_recursion_config(**name, RecursiveLoop="Allow")
    assert call.get_function_recursion_config(**name)["RecursiveLoop"] == "Allow"

    assert call.get_runtime_management_config(**name)["UpdateRuntimeOn"] == "Auto"
    call.put_runtime_management_config(**name, UpdateRuntimeOn="FunctionUpdate")
    assert call.get_runtime_management_config(**name)["UpdateRuntimeOn"] == "FunctionUpdate"

    arn = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg"
    assert "CodeSigningConfigArn" not in call.get_function_code_signing_config(**name)
    call.put_function_code_signing_config(**name, CodeSigningConfigArn=arn)
    assert call.get_function_code_signing_config(**name)["CodeSigningConfigArn"] == arn
    call.delete_function_code_signing_config(**name)
    fake.settings(missing_signing_configs=[arn])
    assert refusal(call.put_function_code_signing_config, **name, CodeSigningConfigArn=arn)[::2] == ("CodeSigningConfigNotFoundException", 404)


def test_versions_and_aliases(fake):
    call, name = fake.functions, {"FunctionName": "app"}
    create(fake)
    call.get_function(**name)
    assert call.publish_version(**name)["Version"] == "1"
    assert call.publish_version(**name)["Version"] == "1"
    assert "is different from current CodeSHA256" in refusal(call.publish_version, **name, CodeSha256="x")[1]
    call.update_function_configuration(**name, Timeout=9)
    call.get_function(**name)
    assert call.publish_version(**name)["Version"] == "2"
    alias = call.create_alias(**name, Name="live", FunctionVersion="1")
    assert refusal(call.create_alias, **name, Name="live", FunctionVersion="1")[0] == "ResourceConflictException"
    call.update_alias(**name, Name="live", FunctionVersion="2", RevisionId=alias["RevisionId"])
    assert refusal(call.update_alias, **name, Name="live", RevisionId=alias["RevisionId"])[2] == 412
    assert call.get_alias(**name, Name="live")["FunctionVersion"] == "2"
    assert [one["Version"] for one in call.list_versions_by_function(**name)["Versions"]] == ["$LATEST", "1", "2"]
    assert call.get_function(**name, Qualifier="live")["Configuration"]["Version"] == "2"
    assert "cannot be applied to unpublished" in refusal(call.put_provisioned_concurrency_config, **name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)[1]
    assert call.put_provisioned_concurrency_config(**name, Qualifier="live", ProvisionedConcurrentExecutions=2)["Status"] == "IN_PROGRESS"
    assert call.get_provisioned_concurrency_config(**name, Qualifier="live")["Status"] == "READY"
    assert refusal(call.delete_function, **name, Qualifier="2")[2] == 409
    call.delete_alias(**name, Name="live")
    call.delete_alias(**name, Name="live")
    call.delete_function(**name, Qualifier="2")


def test_tags_are_set_removed_and_counted(fake):
    call = fake.functions
    arn = create(fake, Tags={"a": "1"})["FunctionArn"]
    call.tag_resource(Resource=arn, Tags={"b": "2", "c": "3"})
    call.untag_resource(Resource=arn, TagKeys=["c", "never"])
    assert call.list_tags(Resource=arn)["Tags"] == {"a": "1", "b": "2"}
    assert refusal(call.tag_resource, Resource=arn, Tags={f"t{i}": "" for i in range(49)})[1] == "Number of tags exceeds resource tag limit."
    assert refusal(call.tag_resource, Resource=arn + ":1", Tags={"a": "b"})[1].startswith("Tags on function aliases and versions are not supported.")
    assert refusal(call.tag_resource, Resource=arn, Tags={})[1] == "An error occurred and the request cannot be processed."
    fake.settings(denied={"kubelambda": ["ListTags"]})
    seen = as_kubelambda(fake).get_function(FunctionName="app")
    assert "Tags" not in seen and seen["TagsError"]["ErrorCode"] == "AccessDeniedException"


def test_functions_are_listed_fifty_at_a_time_without_their_states(fake):
    for number in range(120):
        create(fake, f"app-{number:03}")
    pages = list(fake.functions.get_paginator("list_functions").paginate())
    assert [len(one["Functions"]) for one in pages] == [50, 50, 20]
    assert len({one["FunctionName"] for page in pages for one in page["Functions"]}) == 120
    assert "State" not in pages[0]["Functions"][0] and "LastUpdateStatus" not in pages[0]["Functions"][0]


def test_names_and_arns_name_the_same_function_and_regions_are_apart(fake):
    arn = create(fake)["FunctionArn"]
    for name in (arn, "123456789012:function:app", "app"):
        assert fake.functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"] == arn
    assert refusal(fake.functions.get_function, FunctionName=arn.replace("us-east-1", "eu-west-1"))[1] == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    assert refusal(fake.functions.get_function, FunctionName="none")[:2] == ("ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:none")
    assert refusal(as_kubelambda(fake, AWS_REGION="eu-west-1").get_function, FunctionName="app")[2] == 404


# --- refusals -------------------------------------------------------------------------------------

BIG = {"K" * 10: "v" * 4096}
S3_ERROR = "Error occurred while GetObject. S3 Error Code: "
REFUSED = {
    "a key that is not there": ({"Code": {"S3Bucket": "artifacts", "S3Key": "none"}}, "InvalidParameterValueException", S3_ERROR + "NoSuchKey. S3 Error Message: The specified key does not exist."),
    "a bucket that is not there": ({"Code": {"S3Bucket": "none-such", "S3Key": "none"}}, "InvalidParameterValueException", S3_ERROR + "NoSuchBucket. S3 Error Message: The specified bucket does not exist"),
    "what is no zip": ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file."),
    "too large an environment": ({"Environment": {"Variables": BIG}}, "InvalidParameterValueException", 'exceeded the 4KB limit. String measured: {"KKKKKKKKKK":"vvvv'),
    "reserved variables": ({"Environment": {"Variables": {"AWS_REGION": "x", "_HANDLER": "y"}}}, None, "at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern"),
    "a reserved variable": ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"),
    "an unknown runtime": ({"Runtime": "cobol"}, "InvalidParameterValueException", "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["),
    "a blocked runtime": ({"Runtime": "nodejs14.x"}, "InvalidParameterValueException", "The runtime parameter of nodejs14.x is no longer supported for creating or updating AWS Lambda functions."),
    "no handler": ({"Handler": None}, "InvalidParameterValueException", "Runtime and handler are mandatory"),
    "a role that is none": ({"Role": "arn:aws:iam::1:role/x"}, "ValidationException", "1 validation error detected: Value 'arn:aws:iam::1:role/x' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:"),
    "another account's role": ({"Role": "arn:aws:iam::210987654321:role/x"}, "AccessDeniedException", "Cross-account pass role is not allowed."),
    "two wrong values": ({"Timeout": 0, "MemorySize": 1}, "ValidationException", "2 validation errors detected: "),
    "a timeout beyond 900": ({"Timeout": 901}, "ValidationException", "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"),
    "too much memory": ({"MemorySize": 10241}, "ValidationException", "at 'memorySize'"),
    "a long name": ({"FunctionName": "a" * 65}, "InvalidParameterValueException", "at 'functionName'"),
    "a bad name": ({"FunctionName": "a b"}, "ValidationException", "at 'functionName'"),
    "six layers": ({"Layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:l{i}:1" for i in range(6)]}, "InvalidParameterValueException", "Cannot reference more than 5 layers."),
    "two versions of a layer": ({"Layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:l:{i}" for i in (1, 2)]}, "InvalidParameterValueException", "Two different versions of the same layer"),
    "a layer of another region": ({"Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:l:1"]}, "InvalidParameterValueException", "Layers are not in the same region"),
    "log levels with text": ({"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "INFO"}}, "InvalidParameterValueException", "LogFormat"),
    "51 tags": ({"Tags": {f"t{i}": "" for i in range(51)}}, "InvalidParameterValueException", "Number of tags exceeds resource tag limit."),
    "an unknown member": ({"Colour": "red"}, "ValidationException", "at 'colour'"),
    "a wrong type": ({"Timeout": "9"}, "SerializationException", "can not be converted"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_creation_is_refused_for(fake, what):
    members, code, message = REFUSED[what]
    body = {
        "FunctionName": "app", "Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE,
        "Code": {"S3Bucket": "artifacts", "S3Key": "app/1.zip"}, **members,
    }  # fmt: skip
    body = {key: value for key, value in body.items() if value is not None}
    if "ZipFile" in body["Code"]:
        body["Code"] = {"ZipFile": base64.b64encode(body["Code"]["ZipFile"]).decode()}
    found_code, found = signed(fake, "POST", "/2015-03-31/functions", body)[1:]
    assert found_code == (code or "ValidationException") and message in found
    assert fake.functions.list_functions()["Functions"] == []


def signed_request(fake, method, path, data=None, service="lambda", signer=SigV4Auth):
    env = read_env(fake.directory / "admin.env")
    headers = {"Content-Type": "application/json"} if data else {}
    request = AWSRequest(method, env["AWS_ENDPOINT_URL"] + path, data=data, headers=headers)
    signer(Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]), service, "us-east-1").add_auth(request)
    return request


def signed(fake, method, path, body, **headers):
    """A request that botocore's model does not limit: status, code, message."""
    data = json.dumps(body)
    request = signed_request(fake, method, path, data)
    connection = http.client.HTTPConnection(fake.address, timeout=10)
    connection.request(method, path, data, {**dict(request.headers), **headers})
    answer = connection.getresponse()
    text = json.loads(answer.read() or b"{}")
    connection.close()
    return answer.status, answer.headers.get("x-amzn-errortype"), text.get("message") or text.get("Message")


def test_a_name_is_taken_once(fake):
    create(fake)
    assert refusal(lambda: create(fake)) == ("ResourceConflictException", "Function already exist: app", 409)


def test_a_role_is_assumable_after_some_calls_or_some_time(fake):
    fake.settings(roles={ROLE: {"refuse_calls": 1}})
    assert refusal(lambda: create(fake)) == ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", 400)
    create(fake)
    fake.settings(roles={ROLE + "2": {"refuse_s": 10}})
    assert refusal(lambda: create(fake, "other", Role=ROLE + "2"))[2] == 400
    fake.advance(11)
    create(fake, "other", Role=ROLE + "2")


def test_an_update_of_code_is_refused_like_a_creation_and_a_dry_run_changes_nothing(fake):
    before = create(fake)["CodeSha256"]
    fake.functions.get_function(FunctionName="app")
    assert "NoSuchKey" in refusal(fake.functions.update_function_code, FunctionName="app", S3Bucket="artifacts", S3Key="none")[1]
    fake.functions.update_function_code(FunctionName="app", S3Bucket="artifacts", S3Key="app/2.zip", DryRun=True)
    assert fake.functions.get_function(FunctionName="app")["Configuration"]["CodeSha256"] == before
    assert "ImageUri" in refusal(fake.functions.update_function_code, FunctionName="app", ImageUri="x")[1]
    fake.functions.update_function_code(FunctionName="app", S3Bucket="artifacts", S3Key="app/2.zip", Architectures=["arm64"])
    seen = fake.functions.get_function(FunctionName="app")["Configuration"]
    assert seen["CodeSha256"] != before and seen["Architectures"] == ["arm64"]


def test_an_image_has_no_runtime_and_is_updated_by_its_uri(fake):
    uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
    made = create(fake, Code={"ImageUri": uri}, PackageType="Image", Runtime=None, Handler=None, ImageConfig={"Command": ["app.handler"]})
    assert made["ImageConfigResponse"] == {"ImageConfig": {"Command": ["app.handler"]}}
    fake.functions.get_function(FunctionName="app")
    assert "ImageUri" in refusal(fake.functions.update_function_code, FunctionName="app", S3Bucket="artifacts", S3Key="app/1.zip")[1]
    fake.functions.update_function_code(FunctionName="app", ImageUri=uri[:-1] + "2")
    assert fake.functions.get_function(FunctionName="app")["Code"]["ImageUri"].endswith(":2")


# --- limits, permissions, signatures --------------------------------------------------------------


def test_the_published_limits_hold_for_those_who_count(fake):
    mine = as_kubelambda(fake)
    mine.meta.events.register("needs-retry.lambda", lambda **_: None, unique_id="retry-config-lambda")
    create(fake)
    statuses = []
    for _ in range(40):
        try:
            statuses.append(mine.list_functions()["ResponseMetadata"]["HTTPStatusCode"])
        except botocore.exceptions.ClientError as error:
            answer = error.response
            assert answer["Error"]["Code"] == "TooManyRequestsException" and answer["Error"]["Message"] == "Rate exceeded"
            assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
            statuses.append(429)
    counts = fake.control("GET", "calls")["ListFunctions"]
    assert counts["429"] > 0 and counts["200"] >= 15
    mine.get_function(FunctionName="app")  # has a limit of its own
    fake.settings(limits=False)
    for _ in range(40):
        mine.list_functions()


def test_permissions_keys_and_signatures_count(fake):
    fake.settings(denied={"kubelambda": ["UpdateFunctionCode"]})
    code, message, status = refusal(as_kubelambda(fake).update_function_code, FunctionName="app", S3Bucket="bucket", S3Key="k")
    assert (code, status) == ("AccessDeniedException", 403)
    assert "user/kubelambda is not authorized to perform: lambda:UpdateFunctionCode on resource" in message
    wrong = as_kubelambda(fake, AWS_SECRET_ACCESS_KEY="wrong").list_functions
    assert refusal(wrong)[::2] == ("InvalidSignatureException", 403)
    assert refusal(as_kubelambda(fake, AWS_ACCESS_KEY_ID="AKIANONE").list_functions)[::2] == ("UnrecognizedClientException", 403)
    assert refusal(as_kubelambda(fake, AWS_REGION="mars-north-1").list_functions)[0] == "InvalidSignatureException"
    fake.settings(clock_offset_s=600)
    code, message, _ = refusal(as_kubelambda(fake).list_functions)
    assert code == "InvalidSignatureException" and message.startswith("Signature expired: ")
    fake.settings(clock_offset_s=-600)
    assert refusal(as_kubelambda(fake).list_functions)[1].startswith("Signature not yet current: ")
    as_kubelambda(fake, "s3").list_objects_v2(Bucket="artifacts")  # S3 takes 15 minutes
    fake.settings(clock_offset_s=0)
    status, code, _ = signed(fake, "POST", "/2015-03-31/functions", {}, **{"x-amz-content-sha256": "0" * 64})
    assert (status, code) == (403, "InvalidSignatureException")


# --- S3 -------------------------------------------------------------------------------------------


def test_objects_have_versions_checksums_and_delete_markers(fake):
    call, where = fake.objects, {"Bucket": "artifacts", "Key": "a b/ü+=.zip"}
    first = call.put_object(**where, Body=b"1", ChecksumAlgorithm="SHA256")["VersionId"]
    call.put_object(**where, Body=b"22")
    seen = call.head_object(**where, VersionId=first, ChecksumMode="ENABLED")
    assert (seen["ContentLength"], seen["VersionId"]) == (1, first)
    assert seen["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    assert call.get_object(**where)["Body"].read() == b"22"
    marker = call.delete_object(**where)
    assert marker["DeleteMarker"] is True
    assert refusal(call.head_object, **where)[2] == 404
    assert refusal(call.head_object, **where, VersionId=marker["VersionId"])[2] == 405
    assert refusal(call.head_object, **where, VersionId="x")[2] == 400
    assert [one["Key"] for one in call.list_objects_v2(Bucket="artifacts")["Contents"]] == ["app/1.zip", "app/2.zip"]
    assert refusal(call.head_object, Bucket="none-such", Key="k")[2] == 404
    fake.settings(s3_hides_missing=["kubelambda"])
    assert refusal(as_kubelambda(fake, "s3").head_object, Bucket="artifacts", Key="none")[2] == 403


def test_a_bucket_of_another_region_redirects(fake):
    fake.control("POST", "objects", {"bucket": "far-away", "region": "eu-west-1"})
    assert "PermanentRedirect" in refusal(lambda: create(fake, Code={"S3Bucket": "far-away", "S3Key": "k"}))[1]
    for status in (301, 400):
        fake.settings(s3_wrong_region=status)
        connection = http.client.HTTPConnection(fake.address, timeout=10)
        request = signed_request(fake, "HEAD", "/far-away/k", service="s3", signer=S3SigV4Auth)
        connection.request("HEAD", "/far-away/k", headers=dict(request.headers))
        answer = connection.getresponse()
        assert (answer.status, answer.headers["x-amz-bucket-region"]) == (status, "eu-west-1")
        connection.close()


# --- faults and the journal -----------------------------------------------------------------------


def test_rules_put_faults_in_the_place_of_answers(fake):
    create(fake)
    get = as_kubelambda(fake).get_function
    one = fake.rule("GetFunction", name="app", times=1, skip=1, status=418, code="Odd", message="no")
    get(FunctionName="app")
    assert refusal(get, FunctionName="app") == ("Odd", "no", 418)
    assert fake.hits(one) == 1
    get(FunctionName="app")
    fake.rule("GetFunction", times=1, merge={"Configuration": {"State": "Dancing"}})
    assert get(FunctionName="app")["Configuration"]["State"] == "Dancing"
    fake.rule("GetFunction", times=1, status=400, html="<html>proxy</html>")
    assert refusal(get, FunctionName="app")[2] == 400
    fake.rule("GetFunction", times=1, delay_ms=300)
    began = time.monotonic()
    get(FunctionName="app")
    assert time.monotonic() - began > 0.3
    fake.rule("TagResource", times=1, cut=0, perform=True)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:app"
    env = read_env(fake.directory / "kubelambda.env")
    once = connect("lambda", env)
    with pytest.raises(botocore.exceptions.BotoCoreError):
        once.meta.events.register("needs-retry", lambda **_: None)
        fake.rule("TagResource", cut=0)
        once.tag_resource(Resource=arn, Tags={"a": "b"})
    assert fake.functions.list_tags(Resource=arn)["Tags"] == {"a": "b"}


def test_the_journal_has_every_call_in_its_order(fake):
    mark = fake.mark()
    create(fake, Environment={"Variables": {"SECRET": "hush"}})
    fake.functions.get_function(FunctionName="app")
    seen = fake.journal(user="admin", since=mark)
    assert [(one["operation"], one["name"], one["status"]) for one in seen] == [("CreateFunction", "app", 201), ("GetFunction", "app", 200)]
    assert "hush" in seen[0]["body"] and "hush" not in seen[1]["body"]


def test_a_core_serves_thousands_of_requests_a_second(fake):
    """Signatures checked; by its own CPU time, since others use the machine, too."""
    create(fake)
    pid, count = int((fake.directory / "pids/fake").read_text().split()[0]), 3000
    request = signed_request(fake, "GET", "/2015-03-31/functions/app")
    connection = http.client.HTTPConnection(fake.address, timeout=10)
    began = cpu_seconds(pid)
    for _ in range(count):
        connection.request("GET", "/2015-03-31/functions/app", headers=dict(request.headers))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()
    assert count / (cpu_seconds(pid) - began) > 1500


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- STS ------------------------------------------------------------------------------------------


def test_a_role_is_assumed_and_acts_in_its_own_account(fake):
    env = read_env(fake.directory / "kubelambda.env")
    sts = connect("sts", env)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    keys = sts.assume_role(RoleArn=OTHER_ROLE, RoleSessionName="kubelambda")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], env["AWS_REGION"])
    assert session.client("sts", endpoint_url=env["AWS_ENDPOINT_URL"]).get_caller_identity()["Account"] == "210987654321"
    create(fake, "app")
    assert session.client("lambda", endpoint_url=env["AWS_ENDPOINT_URL"]).list_functions()["Functions"] == []


def test_a_role_may_refuse_to_be_assumed(fake):
    fake.settings(roles={OTHER_ROLE: {"not_assumable": True}})
    sts = connect("sts", read_env(fake.directory / "kubelambda.env"))
    code, message, status = refusal(sts.assume_role, RoleArn=OTHER_ROLE, RoleSessionName="kubelambda")
    assert (code, status) == ("AccessDenied", 403) and OTHER_ROLE in message
