"""The table test, against the emulator: fields are set, changed and removed by kubectl, and AWS follows each
time. The scripted AWS keeps every field: test_all_fields.py."""

import time

import pytest
from examples import EXAMPLES, declared
from fields_steps import follows
from harness import conditions, settled

# What the emulator does otherwise than AWS.
IGNORED_ON_UPDATE = {
    "architectures": "UpdateFunctionCode does not look at Architectures",
    "ephemeralStorage.size": "UpdateFunctionConfiguration does not look at EphemeralStorage",
}
NOT_KEPT = {
    "asyncInvoke": "a second PutFunctionEventInvokeConfig is kept beside the first, which is what is shown",
    "codeSigningConfigArn": "PutFunctionCodeSigningConfig is not implemented",
    "code.sourceKMSKeyArn": "it is not shown",
    "packageType": "images are looked up in an emulated ECR",
    "code.imageUri": "the same",
    "kmsKeyArn": "UpdateFunctionConfiguration does not look at it",
    "tracingConfig": "the same",
    "vpcConfig": "subnets and security groups are looked up in an emulated EC2, and lists cannot be emptied",
    "snapStart": "it is always None",
    "deadLetterConfig": "it is never shown",
    "fileSystemConfigs": "the same",
    "imageConfig": "the same",
    "loggingConfig": "the same",
    "capacityProviderConfig": "the member is not known",
    "acceleratorConfig": "the same",
    "durableConfig": "the same",
    "runtimeConfig": "the same",
    "recursiveLoop": "there is no such call",
    "runtimeManagement": "the same",
}
KEPT = sorted(one for one in EXAMPLES if not {one, one.partition(".")[0]} & (NOT_KEPT.keys() | IGNORED_ON_UPDATE.keys()))


@pytest.fixture(scope="module", autouse=True)
def account(aws):
    """What the examples name exists."""
    aws.objects.create_bucket(Bucket="artifacts-2")
    aws.upload("app/1.zip", "print('in the other bucket')\n", bucket="artifacts-2")
    aws.upload("app/2.zip", "print('under the other key')\n")
    for name in "aba":
        aws.functions.publish_layer_version(LayerName=name, Content={"ZipFile": b"PK\5\6" + bytes(18)})


def apply(cluster, namespace, path=None, value=None, check=True):
    """The function, with that field besides the required ones."""
    return cluster.apply(declared(namespace, {path: value} if path else {}), check=check)


@pytest.mark.parametrize("path", KEPT)
def test_a_field_is_set_changed_and_removed(cluster, aws, serve, namespace, path):
    follows(cluster, aws, serve, namespace, path)


def test_the_location_of_the_code_is_set_and_changed(cluster, aws, serve, namespace):
    seen = []
    for bucket, key in (("artifacts", "app/1.zip"), ("artifacts", "app/2.zip"), ("artifacts-2", "app/1.zip")):
        apply(cluster, namespace, "code", {"s3Bucket": bucket, "s3Key": key})
        deployed = settled(cluster, "app", namespace)["status"]["deployed"]
        seen.append(aws.function("preview-app")["Configuration"]["CodeSha256"])
        assert deployed["codeSha256"] == seen[-1]
        assert (deployed["bucket"], deployed["key"]) == (bucket, key)
    assert len(set(seen)) == 3
    for member in ("s3Bucket", "s3Key"):
        code = {"s3Bucket": "artifacts", "s3Key": "app/1.zip"}
        del code[member]
        refusal = apply(cluster, namespace, "code", code, check=False)
        assert refusal.returncode != 0 and f"spec.code.{member}: Required value" in refusal.stderr


@pytest.mark.parametrize("path", sorted(IGNORED_ON_UPDATE))
def test_a_change_that_aws_ignores_is_reported_and_not_repeated(cluster, aws, serve, namespace, path):
    example = EXAMPLES[path]
    apply(cluster, namespace, path, example.first)
    settled(cluster, "app", namespace)
    assert example.shown(aws.function("preview-app")) == example.first

    for value in (example.second, None):  # changed, and removed
        writes = serve.writes()
        apply(cluster, namespace, *((path, value) if value else ()))
        resource = settled(cluster, "app", namespace, "Stalled")
        _, reason, message = conditions(resource)["Stalled"]
        assert reason == "NotInForce" and path in message
        assert serve.writes() == writes + 1
        time.sleep(2)
        assert serve.writes() == writes + 1
        assert example.shown(aws.function("preview-app")) == example.first

    apply(cluster, namespace, path, example.first)
    settled(cluster, "app", namespace)


def test_an_object_version_that_is_not_deployed_is_reported(cluster, aws, serve, namespace):
    """The emulator deploys the newest version whichever is asked for."""
    code = {"s3Bucket": "artifacts", "s3Key": f"{namespace}.zip"}
    old = aws.upload(code["s3Key"], "print('old')\n")["VersionId"]
    apply(cluster, namespace, "code", code | {"s3ObjectVersion": old})
    assert settled(cluster, "app", namespace)["status"]["deployed"]["versionId"] == old
    running = aws.function("preview-app")["Configuration"]["CodeSha256"]

    new = aws.upload(code["s3Key"], "print('new')\n")["VersionId"]
    apply(cluster, namespace, "code", code | {"s3ObjectVersion": new})
    assert settled(cluster, "app", namespace)["status"]["deployed"]["versionId"] == new
    assert aws.function("preview-app")["Configuration"]["CodeSha256"] != running

    updates = serve.calls("UpdateFunctionCode")
    apply(cluster, namespace, "code", code | {"s3ObjectVersion": old})
    resource = settled(cluster, "app", namespace, "Stalled")
    assert conditions(resource)["Stalled"][1] == "NotInForce"
    assert "code" in conditions(resource)["Stalled"][2]
    time.sleep(2)
    assert serve.calls("UpdateFunctionCode") == updates + 1

    apply(cluster, namespace, "code", code)  # removed: the newest, which is there already
    settled(cluster, "app", namespace)
    assert serve.calls("UpdateFunctionCode") == updates + 1
