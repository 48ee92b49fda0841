"""Versions and aliases on the independent emulator, asked by boto3. It has no provisioned concurrency."""

from harness import function, settled

LIVE = {"name": "live", "version": "Latest", "description": "for callers"}


def apply(cluster, namespace, key, *aliases):
    spec = {"code": {"s3Bucket": "artifacts", "s3Key": key}, "versions": {"publish": "OnChange", "keep": 2}}
    cluster.apply(function("app", namespace, aliases=list(aliases) or None, **spec))
    return settled(cluster, "app", namespace)["status"]


def seen(aws):
    """Numbers of the versions; alias -> version, description, weights."""
    versions = aws.functions.list_versions_by_function(FunctionName="preview-app")["Versions"]
    aliases = aws.functions.list_aliases(FunctionName="preview-app")["Aliases"]
    return [one["Version"] for one in versions if one["Version"] != "$LATEST"], {
        one["Name"]: (one["FunctionVersion"], one["Description"], one.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))
        for one in aliases
    }


def test_versions_and_aliases_are_set_changed_and_removed(cluster, aws, serve, namespace):
    for number in (1, 2, 3):
        aws.upload(f"versions/{number}.zip", f"x = {number}\n")
    assert apply(cluster, namespace, "versions/1.zip", LIVE)["version"] == "1"
    assert seen(aws) == (["1"], {"live": ("1", "for callers", {})})
    aws.functions.create_alias(FunctionName="preview-app", Name="theirs", FunctionVersion="1")
    apply(cluster, namespace, "versions/2.zip", LIVE)
    status = apply(cluster, namespace, "versions/3.zip", LIVE)
    assert (status["version"], status["versions"]) == ("3", "1-3")  # 1 is beyond those to keep, and theirs
    canary = {"name": "live", "version": "Previous", "additionalVersions": [{"version": "Latest", "weight": 10}]}
    apply(cluster, namespace, "versions/3.zip", canary)
    assert seen(aws)[1]["live"] == ("2", "", {"3": 0.1})
    apply(cluster, namespace, "versions/3.zip")
    assert set(seen(aws)[1]) == {"theirs"}
    aws.functions.delete_alias(FunctionName="preview-app", Name="theirs")
    apply(cluster, namespace, "versions/1.zip")
    assert seen(aws) == (["3", "4"], {})
