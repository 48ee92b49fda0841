"""kubelambda import: functions that an independent client made, printed, planned and adopted."""

import base64
import json
import os
import subprocess
import time

import pytest
import yaml
from harness import BINARY, Serve, is_settled, wait_for

pytestmark = pytest.mark.scripted_aws

ROLE = "arn:aws:iam::123456789012:role/fake"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:"
FUNCTIONS = int(os.environ.get("KUBELAMBDA_IMPORTED", "6"))
FULL = {
    "Runtime": "python3.13",
    "Handler": "app.handler",
    "Role": ROLE,
    "Description": "für alle: 'a' \"b\" # c\n",
    "Timeout": 60,
    "MemorySize": 512,
    "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/a",
    "Environment": {"Variables": {"LOG_LEVEL": "info", "YES": "yes", "NUMBER": "007", "LINES": "a\nb\n", "EMPTY": ""}},
    "Layers": [f"{LAMBDA}layer:a:1", f"{LAMBDA}layer:b:2"],
    "Architectures": ["arm64"],
    "EphemeralStorage": {"Size": 1024},
    "VpcConfig": {"SubnetIds": ["subnet-0a", "subnet-0b"], "SecurityGroupIds": ["sg-0a"]},
    "FileSystemConfigs": [
        {
            "Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
            "LocalMountPath": "/mnt/data",
        }
    ],
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:dead"},
    "TracingConfig": {"Mode": "Active"},
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "DEBUG", "LogGroup": "/all"},
    "Tags": {"team": "a", "cost": "7"},
}
PLAIN = {"Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE}


@pytest.fixture(autouse=True)
def clean(aws):
    aws.reset()
    yield
    aws.reset()


@pytest.fixture
def run(aws, tmp_path):
    def call(*arguments, stdin="", env=None):
        result = subprocess.run(
            [BINARY, *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                **(aws.env() if env is None else env),
            },
            timeout=60 + 3 * FUNCTIONS,  # 20 calls each, 14 a second
        )
        assert "ERROR: " not in result.stderr and "runtime error" not in result.stderr, result.stderr
        return result

    return call


def key_of(aws, text="x = 1\n"):
    """Uploads an archive under the key that its content makes; the key."""
    aws.upload("app/any.zip", text)
    key = f"app/{base64.b64decode(aws.sha256('app/any.zip')).hex()}.zip"
    aws.upload(key, text)
    return key


def make(aws, name, key="app/1.zip", **members):
    if key == "app/1.zip":
        aws.upload(key)
    code = {"Code": {"S3Bucket": "artifacts", "S3Key": key}}
    aws.functions.create_function(FunctionName=name, **{**PLAIN, **code, **members})
    aws.functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def make_alias(aws, name):
    """One with all that there can be, and a second version for it."""
    aws.functions.publish_version(FunctionName=name)
    aws.functions.update_function_configuration(FunctionName=name, Timeout=FULL["Timeout"])
    aws.functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    aws.functions.publish_version(FunctionName=name)
    aws.functions.create_alias(
        FunctionName=name, Name="live", FunctionVersion="1", Description="what callers use",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.07}},
    )  # fmt: skip
    aws.functions.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=2
    )
    aws.functions.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0)
    aws.functions.add_permission(
        FunctionName=name, Qualifier="live", StatementId="rule", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn="arn:aws:events:us-east-1:123456789012:rule/daily",
    )  # fmt: skip
    aws.functions.create_event_source_mapping(
        FunctionName=f"{name}:live", EventSourceArn="arn:aws:sqs:us-east-1:123456789012:jobs", Enabled=False
    )


def make_full(aws, name, key):
    make(aws, name, key, **{**FULL, "Timeout": 59})
    make_alias(aws, name)
    aws.functions.create_alias(FunctionName=name, Name="plain", FunctionVersion="2")
    aws.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    aws.functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        MaximumEventAgeInSeconds=600,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:failed"}},
    )
    aws.functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    aws.functions.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    aws.functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"]})
    aws.functions.add_permission(
        FunctionName=name, StatementId="bucket", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::uploads", SourceAccount="123456789012",
    )  # fmt: skip
    aws.functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn="arn:aws:sqs:us-east-1:123456789012:jobs", BatchSize=5,
    )  # fmt: skip


def documents(result):
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(result.stdout)}


def test_everything_that_a_function_has_is_in_its_manifest(run, aws):
    key = key_of(aws)
    make_full(aws, "production-full", key)
    result = run("import", "production-full", "--strip-prefix", "production-", "-n", "production", "--bucket=artifacts",
                 "--prefix-key=app/")  # fmt: skip
    assert result.returncode == 0, result.stderr
    manifest = documents(result)["full"]
    assert manifest == {
        "apiVersion": "kubelambda.io/v1alpha1",
        "kind": "LambdaFunction",
        "metadata": {"name": "full", "namespace": "production"},
        "spec": {
            "functionName": "production-full",
            "region": "us-east-1",
            "code": {"s3Bucket": "artifacts", "s3Key": key},
            "runtime": "python3.13",
            "handler": "app.handler",
            "role": ROLE,
            "description": FULL["Description"],
            "memorySize": 512,
            "timeout": 60,
            "kmsKeyArn": FULL["KMSKeyArn"],
            "architectures": ["arm64"],
            "environment": {"variables": FULL["Environment"]["Variables"]},
            "layers": FULL["Layers"],
            "ephemeralStorage": {"size": 1024},
            "vpcConfig": {"subnetIds": ["subnet-0a", "subnet-0b"], "securityGroupIds": ["sg-0a"]},
            "fileSystemConfigs": [{"arn": FULL["FileSystemConfigs"][0]["Arn"], "localMountPath": "/mnt/data"}],
            "deadLetterConfig": {"targetArn": FULL["DeadLetterConfig"]["TargetArn"]},
            "tracingConfig": {"mode": "Active"},
            "loggingConfig": {
                "logFormat": "JSON", "applicationLogLevel": "WARN", "systemLogLevel": "DEBUG", "logGroup": "/all",
            },
            "tags": {"team": "a", "cost": "7"},
            "reservedConcurrency": 3,
            "asyncInvoke": {
                "maximumRetryAttempts": 1,
                "maximumEventAgeInSeconds": 600,
                "onFailure": "arn:aws:sqs:us-east-1:123456789012:failed",
            },
            "recursiveLoop": "Allow",
            "runtimeManagement": {"updateRuntimeOn": "FunctionUpdate"},
            "aliases": [
                {
                    "name": "live", "version": "1", "description": "what callers use",
                    "additionalVersions": [{"version": "2", "weight": 7}],
                    "provisionedConcurrency": 2, "asyncInvoke": {"maximumRetryAttempts": 0},
                },
                {"name": "plain", "version": "2"},
            ],
            "functionUrl": {"authType": "AWS_IAM", "cors": {"allowOrigins": ["*"]}},
            "permissions": [
                {
                    "sid": "bucket", "action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com",
                    "sourceArn": "arn:aws:s3:::uploads", "sourceAccount": "123456789012",
                },
                {
                    "sid": "rule", "action": "lambda:InvokeFunction", "principal": "events.amazonaws.com",
                    "sourceArn": "arn:aws:events:us-east-1:123456789012:rule/daily", "qualifier": "live",
                },
            ],
            "eventSources": [
                {"name": "jobs", "eventSourceArn": "arn:aws:sqs:us-east-1:123456789012:jobs", "batchSize": 5},
                {
                    "name": "jobs-2", "eventSourceArn": "arn:aws:sqs:us-east-1:123456789012:jobs",
                    "enabled": False, "qualifier": "live",
                },
            ],
            "adoptionPolicy": "Adopt",
        },
    }  # fmt: skip
    assert "warning: the manifests hold the values of environment variables of 1 function;" in result.stderr
    assert "versions are left out, with permissions and event sources of theirs" in result.stderr
    assert "\n#" not in result.stdout
    without = run("import", "production-full", "--bucket=artifacts", "--prefix-key=app/", "--no-environment")
    assert "environment" not in documents(without)["production-full"]["spec"]
    assert "warning" not in without.stderr


def test_imported_functions_are_adopted_with_their_owner_tags_and_no_other_write(run, cluster, aws, tmp_path):
    namespace = cluster.namespace("imported", "production")
    key = key_of(aws)
    names = [f"f{number:03}" for number in range(FUNCTIONS)]
    for name in names:
        make_full(aws, f"production-{name}", key)
    make(aws, "production-plain", key)
    names.append("plain")
    mark, began = aws.mark(), time.monotonic()
    imported = run("import", "--prefix=production-", "--strip-prefix=production-", "-n", namespace,
                   "--bucket=artifacts", "--prefix-key=app/")  # fmt: skip
    assert imported.returncode == 0, imported.stderr
    print(f"{len(names)} functions imported in {time.monotonic() - began:.0f} s")
    assert sorted(documents(imported)) == names
    assert run("check", "-f", "-", stdin=imported.stdout).returncode == 0

    def planned():
        answer = run("plan", "-f", "-", "-o", "json", stdin=imported.stdout)
        functions = json.loads(answer.stdout)["functions"]
        assert [one["differences"] for one in functions] == [[]] * len(names)
        return answer.returncode, {tuple(one["steps"]) for one in functions}

    takes = ("takes the function over",)
    sources = ("takes eventSources[jobs] over", "takes eventSources[jobs-2] over")
    assert planned() == (2, {takes, (*takes, *sources)})
    assert {one["method"] for one in aws.journal(since=mark)} == {"GET"}
    serve = Serve(cluster, aws.env(), tmp_path / "serve", "--cluster-id", "c1")
    try:
        mark, began = aws.mark(), time.monotonic()
        cluster.run("apply", "-f", "-", stdin=imported.stdout)
        wait_for(
            lambda: all(map(is_settled, cluster.functions(namespace).values())), 60 + 3 * FUNCTIONS, "all being Ready"
        )
        print(f"applied and Ready in {time.monotonic() - began:.0f} s")
        writes = [one for one in aws.journal(since=mark) if one["method"] != "GET"]
        # Whether a function is there is learnt by trying to create it, which AWS refuses.
        assert {one["operation"] for one in writes if one["status"] >= 300} <= {"CreateFunction"}
        written = [one for one in writes if one["status"] < 300]
        assert {one["operation"] for one in written} == {"TagResource"}
        # Each function once, and its two event sources.
        tagged = sorted(json.loads(one["body"])["Tags"]["kubelambda.io/owner"] for one in written)
        assert tagged == sorted(f"c1/{namespace}/{name}" for name in [*names, *names[:-1] * 2])
        assert planned() == (0, {()})
        cluster.run("delete", "lambdafunctions", "--all", "--wait=false", "-n", namespace)
        wait_for(lambda: not cluster.functions(namespace), 20 + 2 * FUNCTIONS, "the end of all")
        assert serve.stop() == 0
    finally:
        serve.kill()


def test_all_pages_are_read_and_filtered_by_prefix(run, aws):
    key = key_of(aws)
    code = {"S3Bucket": "artifacts", "S3Key": key}
    for name in [*(f"preview-{number:03}" for number in range(55)), "production-a", "production-b"]:
        aws.functions.create_function(FunctionName=name, Code=code, **PLAIN)
    result = run("import", "--prefix", "production-", "--strip-prefix", "production-", "--bucket", "artifacts",
                 "--prefix-key", "app/")  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert list(documents(result)) == ["a", "b"]
    assert len(aws.journal("ListFunctions")) == 2


def test_code_that_is_not_found_is_said_in_the_manifest_and_by_the_status(run, aws):
    make(aws, "lost")
    result = run("import", "lost", "--bucket", "artifacts")
    assert result.returncode == 1
    assert result.stdout.startswith("---\n# code: upload the archive and write its key\napiVersion: ")
    assert "code" not in documents(result)["lost"]["spec"]
    named = run("import", "lost", "--bucket", "artifacts", "--key", "app/1.zip")
    assert named.returncode == 0, named.stderr
    assert documents(named)["lost"]["spec"]["code"] == {"s3Bucket": "artifacts", "s3Key": "app/1.zip"}
    aws.upload("app/other.zip", "y = 2\n")
    other = run("import", "lost", "--bucket", "artifacts", "--key", "app/other.zip")
    assert other.returncode == 1
    assert "lost: the object app/other.zip in the bucket artifacts is not what the function runs" in other.stderr


def test_the_image_of_a_function_is_its_code(run, aws):
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
    aws.functions.create_function(
        FunctionName="image",
        PackageType="Image",
        Code={"ImageUri": image},
        Role=ROLE,
        ImageConfig={"Command": ["app.handler"]},
    )
    result = run("import", "image")
    assert result.returncode == 0, result.stderr
    spec = documents(result)["image"]["spec"]
    assert (spec["packageType"], spec["code"]) == ("Image", {"imageUri": image})
    assert spec["imageConfig"] == {"command": ["app.handler"]} and "runtime" not in spec


def test_names_that_kubernetes_does_not_take_are_changed_and_that_is_said(run, aws):
    key = key_of(aws)
    for name in ("My_Func", "my-func"):
        make(aws, name, key)
    result = run("import", "My_Func", "my-func", "--bucket", "artifacts", "--prefix-key", "app/")
    assert result.returncode == 0, result.stderr
    found = documents(result)
    assert {name: one["spec"]["functionName"] for name, one in found.items()} == {
        "my-func": "My_Func",
        "my-func-2": "my-func",
    }
    assert "# name: My_Func is no name in Kubernetes\n" in result.stdout
    assert "# name: my-func is taken by the function My_Func\n" in result.stdout


def test_what_passes_is_asked_for_again(run, aws):
    key = key_of(aws)
    make(aws, "one", key)
    make(aws, "two", key)
    aws.rule("ListFunctions", times=1, status=429, code="TooManyRequestsException", message="slow down")
    aws.rule("GetFunction", name="one", times=1, status=503, code="ServiceException", message="later")
    aws.rule("HeadObject", times=1, status=503, code="SlowDown", message="slow down")
    result = run("import", "--bucket", "artifacts", "--prefix-key", "app/")
    assert result.returncode == 0, result.stderr
    assert list(documents(result)) == ["one", "two"]
    aws.rule("GetFunction", name="two", times=1, status=429, code="TooManyRequestsException", message="slow down")
    aws.rule("HeadObject", times=2, status=503, code="SlowDown", message="slow down")
    planned = run("plan", "-f", "-", stdin=result.stdout)
    assert planned.returncode == 2 and "2 functions: 0 to create, 2 to change" in planned.stdout, planned.stdout
    assert "could not be compared" not in planned.stdout, planned.stdout


def test_one_function_that_fails_does_not_keep_the_others(run, aws):
    key = key_of(aws)
    make(aws, "good", key)
    make(aws, "bad", key)
    aws.rule("GetFunction", name="bad", status=403, code="AccessDeniedException", message="no")
    result = run("import", "none", "bad", "good", "--bucket", "artifacts", "--prefix-key", "app/")
    assert result.returncode == 1
    assert list(documents(result)) == ["good"]
    assert "kubelambda import: none: there is no such function in this account and region\n" in result.stderr
    assert "kubelambda import: bad: GetFunction: " in result.stderr


def test_credentials_that_expire_half_way_are_told_once(run, aws):
    key = key_of(aws)
    for name in ("one", "two", "three"):
        make(aws, name, key)
    aws.rule("GetFunction", name="two", status=403, code="ExpiredTokenException", message="it is expired")
    result = run("import", "one", "two", "three", "--bucket", "artifacts", "--prefix-key", "app/")
    assert result.returncode == 1 and list(documents(result)) == ["one"]
    assert result.stderr.count("not accepted") == 1 and "two: the AWS credentials are not" in result.stderr


def test_what_cannot_be_declared_of_aliases_is_said_in_the_manifest(run, aws):
    key = key_of(aws)
    make(aws, "f", key)
    make_alias(aws, "f")
    aws.functions.update_alias(
        FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.125}}
    )
    aws.functions.create_alias(FunctionName="f", Name="newest", FunctionVersion="$LATEST")
    result = run("import", "f", "-n", "a", "--bucket", "artifacts", "--prefix-key", "app/")
    assert result.returncode == 0, result.stderr
    (live,) = documents(result)["f"]["spec"]["aliases"]
    assert (live["name"], live["additionalVersions"]) == ("live", [{"version": "2", "weight": 13}])
    assert "# aliases: live has a weight of 12.5 %, which is written as 13 %\n" in result.stdout
    assert "# aliases: newest is left out, as it points to no number of a version\n" in result.stdout
    planned = json.loads(run("plan", "-f", "-", "-o", "json", stdin=result.stdout).stdout)["functions"]
    assert [one["differences"] for one in planned] == [[]]


def test_what_a_manifest_cannot_say_of_a_url_and_a_policy_is_said_in_comments_and_nobody_is_let_in(run, aws):
    key = key_of(aws)
    make(aws, "f", key)
    make_alias(aws, "f")
    aws.functions.create_function_url_config(FunctionName="f", AuthType="NONE")
    aws.functions.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="AWS_IAM")
    aws.functions.add_permission(
        FunctionName="f", StatementId="rule", Action="lambda:InvokeFunction", Principal="123456789012"
    )
    opens = {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
    aws.functions.add_permission(FunctionName="f", StatementId="FunctionURLAllowPublicAccess", **opens)

    def imported():
        result = run("import", "f", "-n", "a", "--bucket=artifacts", "--prefix-key=app/")
        assert result.returncode == 0, result.stderr
        planned = json.loads(run("plan", "-f", "-", "-o", "json", stdin=result.stdout).stdout)["functions"]
        assert [one["differences"] for one in planned] == [[]]
        return result.stdout, documents(result)["f"]["spec"]

    text, spec = imported()
    assert "# functionUrl: live is left out, as a manifest has one URL\n" in text
    assert "# permissions: live/rule is left out, as a manifest has each sid once\n" in text
    assert "# functionUrl: the public URL is left out, as a statement that lets everybody in is missing" in text
    assert "functionUrl" not in spec and len(spec["permissions"]) == 2
    opens = {"Principal": "*", "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}
    aws.functions.add_permission(FunctionName="f", StatementId="FunctionURLInvokeAllowPublicAccess", **opens)
    assert imported()[1]["functionUrl"] == {"authType": "NONE"}


def test_aliases_that_cannot_be_read_do_not_keep_the_rest(run, aws):
    key = key_of(aws)
    make(aws, "f", key)
    make_alias(aws, "f")
    denied = {"status": 403, "code": "AccessDeniedException", "message": "no"}
    aws.rule("GetProvisionedConcurrencyConfig", name="f", **denied)
    result = run("import", "f", "--bucket", "artifacts", "--prefix-key", "app/")
    assert result.returncode == 1
    assert result.stdout.startswith("---\n# aliases: they cannot be read\napiVersion: ")
    assert "aliases" not in documents(result)["f"]["spec"]
    assert "kubelambda import: f: GetProvisionedConcurrencyConfig: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--key", "k"], "--key is for one function: write one NAME, and --bucket"),
        (["--prefix-key", "p"], "--prefix-key goes with --bucket, and without --key"),
        (["a", "--prefix", "p"], "write either names or --prefix"),
        (["--nonsense"], "unknown option --nonsense; --help lists them"),
    ],
)
def test_wrong_usage_of_import_is_said_in_one_line(run, arguments, message):
    result = run("import", *arguments)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"kubelambda import: {message}\n")


def test_the_help_of_import_shows_an_example(run):
    result = run("import", "--help")
    assert result.returncode == 0 and "Examples:\n  kubelambda import --prefix " in result.stdout
