"""What people write who come from elsewhere or are in a hurry, and what `kubelambda check` answers, to the letter:
golden/check/mistakes.txt. The webhook says the same, but for fields that do not exist."""

import pathlib
import re
import subprocess

import pytest
import yaml
from harness import BINARY, function

GOLDEN = pathlib.Path(__file__).parent / "golden/check/mistakes.txt"

# Name -> members of the spec that are not right; None: it is not there.
MISTAKES = {
    "typing-error": {"memmorySize": 256},
    "aws-names": {
        "Code": {"S3Bucket": "artifacts", "S3Key": "app/1.zip"},
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Role": "arn:aws:iam::123456789012:role/fake",
        "MemorySize": 256,
        "TimeOut": 3,
        "code": None,
        "runtime": None,
        "handler": None,
        "role": None,
    },
    "sam": {
        "codeUri": "s3://artifacts/app/1.zip",
        "events": {"Api": {"Type": "Api"}},
        "policies": ["AWSLambdaBasicExecutionRole"],
        "code": None,
    },
    "terraform": {
        "function_name": "foo",
        "s3_bucket": "artifacts",
        "s3_key": "app/1.zip",
        "memory_size": 256,
        "source_code_hash": "abc",
        "publish": True,
        "code": None,
    },
    "serverless": {"memory": 256, "name": "foo", "package": {"artifact": "app.zip"}, "iamRoleStatements": []},
    "ack": {
        "name": "foo",
        "tags": [{"key": "a", "value": "b"}],
        "kmsKeyARN": "arn:aws:kms:us-east-1:123456789012:key/a",
        "roleRef": {"from": {"name": "r"}},
        "vpcConfig": {"subnetIDs": ["subnet-1"], "securityGroupIDs": ["sg-1"]},
        "ephemeralStorage": {"size": 1024},
        "fileSystemConfigs": [{"arn": "x", "localMountPath": "/mnt/a"}],
        "reservedConcurrentExecutions": 2,
    },
    "flat-environment": {"environment": {"LOG_LEVEL": "info"}},
    "pod-environment": {"env": [{"name": "LOG_LEVEL", "value": "info"}]},
    "list-environment": {"environment": [{"name": "LOG_LEVEL", "value": "info"}]},
    "listed-variables": {"environment": {"variables": [{"name": "LOG_LEVEL", "value": "info"}]}},
    "typed-variables": {"environment": {"variables": {"DEBUG": True, "PORT": 8080, "RATE": 0.5, "NONE": None}}},
    "odd-variables": {"environment": {"variables": {"X": "a", "LOG-LEVEL": "a", "_UNDER": "b", "1A": "c", "größe": "d"}}},
    "pod-secret": {"environment": {"variables": {"DB_PASS": {"valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}}}}},
    "secret-without-key": {"environment": {"valueFrom": [{"name": "DB_PASS", "secretKeyRef": {"name": "db"}}]}},
    "numbers-as-text": {"memorySize": "256", "timeout": "30", "suspend": "false"},
    "units": {"memorySize": "256Mi", "timeout": "30s", "ephemeralStorage": {"size": "1Gi"}},
    "empty": {"code": {"s3Bucket": "", "s3Key": ""}, "runtime": "", "handler": "", "role": ""},
    "nulls": {"code": {"s3Bucket": "artifacts", "s3Key": None}, "runtime": None, "role": None},
    "code-text": {"code": "s3://artifacts/app/1.zip"},
    "code-list": {"code": [{"s3Bucket": "artifacts"}]},
    "processor": {"architectures": "arm64"},
    "processor-docker": {"architectures": ["amd64"]},
    "role-name": {"role": "lambda-exec"},
    "role-other-partition": {"role": "arn:aws-cn:iam::123456789012:role/fake"},
    "role-wildcard": {"role": "arn:aws:iam::*:role/fake"},
    "role-placeholder": {"role": "arn:aws:iam::<account>:role/fake"},
    "role-template": {"role": "{{ .Values.role }}"},
    "bucket-url": {"code": {"s3Bucket": "s3://artifacts", "s3Key": "app/1.zip"}},
    "bucket-arn": {"code": {"s3Bucket": "arn:aws:s3:::artifacts", "s3Key": "app/1.zip"}},
    "image-in-zip": {"code": {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"}, "runtime": None, "handler": None},
    "image-hub": {"code": {"imageUri": "nginx:latest"}, "packageType": "Image", "runtime": None, "handler": None},
    "image-ghcr": {"code": {"imageUri": "ghcr.io/acme/app:1"}, "packageType": "Image", "runtime": None, "handler": None},
    "image-lower": {
        "code": {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"},
        "packageType": "image",
        "runtime": None,
        "handler": None,
    },
    "layers": {
        "layers": ["my-layer", "arn:aws:lambda:us-east-1:123456789012:layer:a", "arn:aws:lambda:eu-west-1:123456789012:layer:a:1", "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:layer:a:1"],
    },
    "vpc-flat": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    "vpc-half": {"vpcConfig": {"subnetIds": ["subnet-1"]}},
    "vpc-words": {"vpcConfig": {"subnetIds": "subnet-1", "securityGroupIds": "default"}},
    "tags-list": {"tags": ["team=a"]},
    "tags-reserved": {"tags": {"aws:x": "a", "kubelambda.io/owner": "b", "team*": "c"}},
    "name-unicode": {"functionName": "größe"},
    "name-arn": {"functionName": "arn:aws:lambda:us-east-1:123456789012:function:a"},
    "region-caps": {"region": "US-EAST-1"},
    "region-word": {"region": "Frankfurt"},
    "ephemeral": {"ephemeralStorage": 1024},
    "tracing": {"tracingConfig": "Active"},
    "tracing-lower": {"tracingConfig": {"mode": "active"}},
    "dlq-name": {"deadLetterConfig": {"targetArn": "my-queue"}},
    "policies-lower": {"deletionPolicy": "retain", "adoptionPolicy": "always", "driftPolicy": "Ignore"},
    "concurrency": {"reservedConcurrency": -1},
    "logging": {"loggingConfig": {"logFormat": "json", "applicationLogLevel": "info"}},
    "log-level": {"loggingConfig": {"applicationLogLevel": "INFO"}},
    "kms-alias": {"kmsKeyArn": "alias/my-key"},
    "snapstart": {"snapStart": True},
    "destinations": {"asyncInvoke": {"maximumRetryAttempts": 5, "onFailure": {"destination": "x"}}},
    "efs": {"fileSystemConfigs": [{"arn": "fs-123", "localMountPath": "/data"}]},
    "handler-blank": {"handler": "app handler"},
    "runtime-in-words": {"runtime": "Python 3.13"},
    "runtime-number": {"runtime": 3.13},
}

POLICIES = {
    "typos": {
        "allow": {"runtime": ["python*"], "memorySize": 1024, "regions": "eu-west-1"},
        "defaults": {"memory": 512},
        "require": {"tags": {"team": "x"}},
        "enforcement": "warn",
        "deletionProtection": "yes",
    },
    "regular-expressions": {
        "allow": {"runtimes": ["^python3[.].*$"], "roles": ["arn:aws:iam::(1|2):role/x"]},
        "functionName": "prod-",
    },
}


@pytest.fixture(scope="module")
def answers():
    """Name -> the lines about it."""
    policies = [
        {"apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaPolicy", "metadata": {"name": name}, "spec": spec}
        for name, spec in POLICIES.items()
    ]
    manifests = [function(name, "team", **spec) for name, spec in MISTAKES.items()] + policies
    command = [BINARY, "check", "-f", "-", "--offline", "--region", "us-east-1"]
    text = yaml.safe_dump_all(manifests, allow_unicode=True)
    result = subprocess.run(command, input=text, text=True, capture_output=True, env={}, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (1, "")
    found = {name: [] for name in (*MISTAKES, *POLICIES)}
    for line in result.stdout.splitlines()[:-1]:
        name, said = re.fullmatch(r"<stdin>:\d+: Lambda(?:Function team/|Policy )([\w-]+): (.*)", line).groups()
        found[name].append(said)
    return found


def test_every_mistake_is_answered_to_the_letter(request, answers):
    text = "".join(f"{name}\n" + "".join(f"  {line}\n" for line in lines) for name, lines in answers.items())
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), f"if that is wanted: pytest {__file__} --update-golden"


def test_every_mistake_has_an_answer(answers):
    assert [name for name, lines in answers.items() if not lines] == []
