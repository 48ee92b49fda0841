"""What hangs on a function, on the independent emulator as far as it goes: it has no states, no conditions of URLs,
and refuses every removal of a statement that names the policy's revision."""

import json

import pytest
from harness import client, function, settled

NAME = "preview-app"
QUEUES = "arn:aws:sqs:us-east-1:123456789012:"
S3 = {"sid": "s3", "principal": "s3.amazonaws.com", "action": "lambda:InvokeFunction", "sourceArn": "arn:aws:s3:::uploads"}


@pytest.fixture
def declare(cluster, namespace):
    def apply(**spec):
        cluster.apply(function("app", namespace, **spec))
        return settled(cluster, "app", namespace)["status"]

    return apply


def url(aws):
    try:
        return aws.functions.get_function_url_config(FunctionName=NAME)
    except aws.functions.exceptions.ResourceNotFoundException:
        return None


def statements(aws):
    try:
        policy = json.loads(aws.functions.get_policy(FunctionName=NAME)["Policy"])
    except aws.functions.exceptions.ResourceNotFoundException:
        return {}
    return {one["Sid"]: one for one in policy["Statement"]}


def mappings(aws):
    return {one["EventSourceArn"]: one for one in aws.functions.list_event_source_mappings()["EventSourceMappings"]}


def test_a_url_is_set_changed_and_removed(aws, serve, declare):
    assert declare(functionUrl={"authType": "AWS_IAM"})["functionUrl"] == url(aws)["FunctionUrl"]
    declare(functionUrl={"authType": "AWS_IAM", "cors": {"allowOrigins": ["https://a.example.com"]}})
    assert url(aws)["AuthType"] == "AWS_IAM" and url(aws)["Cors"]["AllowOrigins"] == ["https://a.example.com"]
    assert "functionUrl" not in declare()
    assert url(aws) is None


def test_permissions_are_added_and_others_stay(aws, serve, declare):
    declare()
    aws.functions.add_permission(FunctionName=NAME, StatementId="theirs", Action="lambda:GetFunction", Principal="events.amazonaws.com")
    declare(permissions=[S3])
    assert statements(aws).keys() == {"theirs", "s3"}
    assert statements(aws)["s3"]["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statements(aws)["s3"]["Condition"] == {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::uploads"}}


def test_event_sources_are_set_changed_and_removed_and_others_stay(aws, serve, declare):
    queues = client("sqs", aws.directory / "admin.env")
    for name in ("orders", "theirs"):
        queues.create_queue(QueueName=name)
    declare()
    theirs = aws.functions.create_event_source_mapping(FunctionName=NAME, EventSourceArn=QUEUES + "theirs")["UUID"]
    source = {"name": "orders", "eventSourceArn": QUEUES + "orders"}
    declare(eventSources=[source | {"batchSize": 5}])
    assert mappings(aws)[QUEUES + "orders"]["BatchSize"] == 5
    declare(eventSources=[source | {"batchSize": 6, "enabled": False}])
    assert mappings(aws)[QUEUES + "orders"]["BatchSize"] == 6 and mappings(aws)[QUEUES + "orders"]["State"] == "Disabled"
    declare(eventSources=[source])
    assert mappings(aws)[QUEUES + "orders"]["BatchSize"] == 10 and mappings(aws)[QUEUES + "orders"]["State"] == "Enabled"
    declare()
    assert [one["UUID"] for one in mappings(aws).values()] == [theirs]
    aws.functions.delete_event_source_mapping(UUID=theirs)
