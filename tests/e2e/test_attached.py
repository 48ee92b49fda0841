"""What hangs on a function: its URL, permissions, event sources. Set, changed, removed, drifted; what others
made stays. On the scripted AWS, which refuses what AWS refuses, asked with boto3."""

import json

import pytest
import yaml
from harness import ROOT, conditions, function, settled, wait_for

pytestmark = pytest.mark.scripted_aws(unlimited_users=["admin", "kubelambda"])

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/clicks"
BUCKET = {"sid": "s3", "principal": "s3.amazonaws.com", "action": "lambda:InvokeFunction", "sourceArn": "arn:aws:s3:::uploads", "sourceAccount": ACCOUNT}
NAME = "preview-app"
PUBLIC = {"kubelambda-url-public", "kubelambda-url-invoke"}


@pytest.fixture(autouse=True)
def no_mappings_stay(aws):
    yield
    aws.as_usual()
    for one in mappings(aws):
        aws.functions.delete_event_source_mapping(UUID=one["UUID"])


@pytest.fixture
def declare(cluster, namespace):
    """Applies the function with these members and waits until they are in force; the LambdaFunction."""

    def apply(**spec):
        cluster.apply(function("app", namespace, **spec))
        return settled(cluster, "app", namespace)

    return apply


def url(aws, **of):
    try:
        return aws.functions.get_function_url_config(FunctionName=NAME, **of)
    except aws.functions.exceptions.ResourceNotFoundException:
        return None


def statements(aws, **of):
    try:
        policy = aws.functions.get_policy(FunctionName=NAME, **of)["Policy"]
    except aws.functions.exceptions.ResourceNotFoundException:
        return {}
    return {one["Sid"]: one for one in json.loads(policy)["Statement"]}


def mappings(aws):
    return aws.functions.list_event_source_mappings()["EventSourceMappings"]


def tags(aws, mapping):
    return aws.functions.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]


def changes(aws, mark):
    """The writes since then, in their order."""
    return [one["operation"] for one in aws.journal(since=mark) if not one["operation"].startswith(("Get", "List"))]


# --- the URL ----------------------------------------------------------------------------------------


def test_a_url_is_made_changed_and_removed(aws, serve, declare):
    declare()
    assert url(aws) is None
    status = declare(functionUrl={"authType": "AWS_IAM"})["status"]
    assert url(aws)["AuthType"] == "AWS_IAM" and status["functionUrl"] == url(aws)["FunctionUrl"]
    cors = {"allowOrigins": ["https://a.example.com"], "allowMethods": ["GET", "POST"], "maxAge": 60}
    declare(functionUrl={"authType": "AWS_IAM", "invokeMode": "RESPONSE_STREAM", "cors": cors})
    assert url(aws)["InvokeMode"] == "RESPONSE_STREAM" and url(aws)["Cors"]["AllowMethods"] == ["GET", "POST"]
    declare(functionUrl={"authType": "AWS_IAM", "cors": {"allowOrigins": ["*"]}})
    assert url(aws)["InvokeMode"] == "BUFFERED" and url(aws)["Cors"] == {"AllowOrigins": ["*"]}
    declare(functionUrl={"authType": "AWS_IAM"})
    assert "Cors" not in url(aws)
    assert "functionUrl" not in declare()["status"]
    assert url(aws) is None and statements(aws) == {}


def test_a_public_url_has_both_permissions_and_loses_them_with_it(aws, serve, declare):
    declare(functionUrl={"authType": "NONE"})
    found = statements(aws)
    assert found.keys() == PUBLIC
    assert {one["Action"] for one in found.values()} == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert found["kubelambda-url-public"]["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    assert found["kubelambda-url-invoke"]["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    declare(functionUrl={"authType": "AWS_IAM"})
    assert url(aws)["AuthType"] == "AWS_IAM" and statements(aws) == {}
    declare(functionUrl={"authType": "NONE"})
    declare()
    assert url(aws) is None and statements(aws) == {}


def test_all_of_it_can_be_an_aliass(aws, serve, declare):
    declare(functionUrl={"authType": "NONE"})
    alias = {"versions": {"publish": "OnChange"}, "aliases": [{"name": "live", "version": "Latest"}]}
    declare(
        **alias, functionUrl={"authType": "NONE", "qualifier": "live"}, permissions=[BUCKET | {"qualifier": "live"}],
        eventSources=[{"name": "orders", "eventSourceArn": QUEUE, "qualifier": "live"}],
    )  # fmt: skip
    assert url(aws) is None and statements(aws) == {}
    assert url(aws, Qualifier="live")["FunctionArn"].endswith(":live")
    assert statements(aws, Qualifier="live").keys() == {"s3", *PUBLIC}
    assert mappings(aws)[0]["FunctionArn"].endswith(":live")
    declare(**alias)
    assert url(aws, Qualifier="live") is None and statements(aws, Qualifier="live") == {}
    assert mappings(aws) == []


# --- permissions ------------------------------------------------------------------------------------


def test_permissions_are_added_changed_and_removed_and_others_stay(aws, serve, declare):
    declare()
    aws.functions.add_permission(FunctionName=NAME, StatementId="theirs", Action="lambda:GetFunction", Principal="111122223333")
    root = {"sid": "team", "principal": "arn:aws:iam::111122223333:root", "action": "lambda:InvokeFunction"}
    declare(permissions=[BUCKET, root])
    found = statements(aws)
    assert found.keys() == {"theirs", "s3", "team"}
    assert found["s3"]["Condition"] == {
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::uploads"}, "StringEquals": {"AWS:SourceAccount": ACCOUNT},
    }  # fmt: skip
    mark = aws.mark()
    declare(permissions=[BUCKET | {"sourceArn": "arn:aws:s3:::others"}, root])
    assert statements(aws)["s3"]["Condition"]["ArnLike"] == {"AWS:SourceArn": "arn:aws:s3:::others"}
    assert changes(aws, mark) == ["RemovePermission", "AddPermission"]
    removal = aws.journal("RemovePermission", since=mark)[0]
    assert "RevisionId=" in removal["query"]
    declare(permissions=[root])
    assert statements(aws).keys() == {"theirs", "team"}
    declare()
    assert statements(aws).keys() == {"theirs"}


def test_every_member_of_a_permission_is_in_force_by_one_call(aws, serve, declare):
    every = [
        BUCKET,
        {"sid": "org", "principal": "*", "action": "lambda:InvokeFunction", "principalOrgID": "o-a1b2c3d4e5"},
        {"sid": "alexa", "principal": "alexa-appkit.amazon.com", "action": "lambda:InvokeFunction", "eventSourceToken": "amzn1.ask.skill.1"},
        {"sid": "url", "principal": ACCOUNT, "action": "lambda:InvokeFunctionUrl", "functionUrlAuthType": "AWS_IAM"},
        {"sid": "via", "principal": ACCOUNT, "action": "lambda:InvokeFunction", "invokedViaFunctionUrl": True},
        {"sid": "role", "principal": f"arn:aws:iam::{ACCOUNT}:role/caller", "action": "lambda:*"},
    ]  # fmt: skip
    declare()
    mark = aws.mark()
    declare(permissions=every)
    assert changes(aws, mark) == ["AddPermission"] * len(every)
    mark = aws.mark()
    declare(permissions=every, description="else")  # which looks at all of it again
    assert changes(aws, mark) == ["UpdateFunctionConfiguration"]


# --- event sources ----------------------------------------------------------------------------------


def test_an_event_source_is_made_changed_and_removed(aws, serve, declare):
    source = {"name": "orders", "eventSourceArn": QUEUE}
    status = declare(eventSources=[source | {"batchSize": 5, "tags": {"team": "a"}}])["status"]
    (made,) = mappings(aws)
    assert made["BatchSize"] == 5 and made["State"] == "Enabled"
    assert status["eventSources"] == [{"name": "orders", "uuid": made["UUID"], "state": "Enabled"}]
    assert tags(aws, made)["team"] == "a" and tags(aws, made)["kubelambda.io/event-source"] == "orders"
    filters = {"filters": [{"pattern": '{"body": {"kind": ["order"]}}'}]}
    declare(
        eventSources=[
            source
            | {"filterCriteria": filters, "scalingConfig": {"maximumConcurrency": 5}, "maximumBatchingWindowInSeconds": 2}
            | {"batchSize": 100, "functionResponseTypes": ["ReportBatchItemFailures"], "tags": {"team": "b"}}
        ]
    )
    (changed,) = mappings(aws)
    assert changed["UUID"] == made["UUID"] and changed["BatchSize"] == 100
    assert changed["FilterCriteria"]["Filters"] == [{"Pattern": filters["filters"][0]["pattern"]}]
    assert changed["ScalingConfig"] == {"MaximumConcurrency": 5} and tags(aws, changed)["team"] == "b"
    declare(eventSources=[source | {"enabled": False}])
    (plain,) = mappings(aws)
    assert plain["State"] == "Disabled" and plain["BatchSize"] == 10
    assert "FilterCriteria" not in plain and "ScalingConfig" not in plain and plain["FunctionResponseTypes"] == []
    declare(eventSources=[source])
    assert mappings(aws)[0]["State"] == "Enabled"
    assert "eventSources" not in declare()["status"]
    assert mappings(aws) == []


def arn(service, name):
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{name}"


def secret(name):
    return {"type": "BASIC_AUTH", "uri": arn("secretsmanager", f"secret:{name}")}


def registry(name, part):
    return {
        "schemaRegistryURI": f"https://{name}.example.com", "eventRecordFormat": "JSON",
        "accessConfigs": [secret(name)], "schemaValidationConfigs": [{"attribute": part}],
    }  # fmt: skip


STREAMING = {
    "onFailure": arn("sqs", "dead"), "maximumRecordAgeInSeconds": 60, "bisectBatchOnFunctionError": True,
    "maximumRetryAttempts": 2, "functionResponseTypes": ["ReportBatchItemFailures"],
}  # fmt: skip
POLLERS = {"provisionedPollerConfig": {"minimumPollers": 2, "maximumPollers": 5}}
# Of each kind of source: what it needs, all that it can have, and other values of what can be changed.
SOURCES = {
    "sqs": (
        {"eventSourceArn": QUEUE},
        {
            "batchSize": 20, "maximumBatchingWindowInSeconds": 3, "scalingConfig": {"maximumConcurrency": 5}, "enabled": False,
            "filterCriteria": {"filters": [{"pattern": '{"a": [1]}'}, {"pattern": '{"b": [1]}'}]}, "tags": {"team": "a"},
            "kmsKeyArn": arn("kms", "key/a"), "metricsConfig": {"metrics": ["EventCount"]}, "qualifier": "1",
            "functionResponseTypes": ["ReportBatchItemFailures"],
        },
        {
            "batchSize": 30, "maximumBatchingWindowInSeconds": 4, "scalingConfig": {"maximumConcurrency": 6},
            "filterCriteria": {"filters": [{"pattern": '{"b": [1]}'}]}, "tags": {"team": "b"}, "kmsKeyArn": arn("kms", "key/b"),
        },
    ),
    "kinesis": (
        {"eventSourceArn": STREAM, "startingPosition": "AT_TIMESTAMP", "startingPositionTimestamp": 1700000000},
        {"parallelizationFactor": 4, "tumblingWindowInSeconds": 9, **STREAMING},
        {"parallelizationFactor": 5, "tumblingWindowInSeconds": 8, "onFailure": arn("sns", "dead"), "maximumRetryAttempts": 0},
    ),
    "dynamodb": ({"eventSourceArn": arn("dynamodb", "table/t/stream/2026"), "startingPosition": "LATEST"}, {"batchSize": 7}, {"batchSize": 8}),
    "kafka": (
        {"eventSourceArn": arn("kafka", "cluster/c/1"), "startingPosition": "LATEST", "topics": ["orders"]}
        | {"amazonManagedKafkaEventSourceConfig": {"consumerGroupId": "group"}},
        {
            "amazonManagedKafkaEventSourceConfig": {"consumerGroupId": "group", "schemaRegistryConfig": registry("a", "KEY")},
            "loggingConfig": {"systemLogLevel": "INFO"}, "provisionedPollerConfig": {**POLLERS["provisionedPollerConfig"], "pollerGroupName": "g"},
            **STREAMING,
        },
        {"amazonManagedKafkaEventSourceConfig": {"consumerGroupId": "group", "schemaRegistryConfig": registry("b", "VALUE")}},
    ),
    "mq": (
        {"eventSourceArn": arn("mq", "broker:b:b-1"), "queues": ["q"], "sourceAccessConfigurations": [secret("a")]},
        {"sourceAccessConfigurations": [secret("a"), {"type": "VIRTUAL_HOST", "uri": "/"}]},
        {"sourceAccessConfigurations": [secret("b")]},
    ),
    "documentdb": (
        {"eventSourceArn": arn("rds", "cluster:c"), "startingPosition": "LATEST", "sourceAccessConfigurations": [secret("a")]}
        | {"documentDBEventSourceConfig": {"databaseName": "d"}},
        {"documentDBEventSourceConfig": {"databaseName": "d", "collectionName": "c", "fullDocument": "UpdateLookup"}},
        {"documentDBEventSourceConfig": {"databaseName": "e"}},
    ),
    "own": (
        {"selfManagedEventSource": {"endpoints": {"kafkaBootstrapServers": ["a.example.com:9092", "b.example.com:9092"]}}, "topics": ["orders"]}
        | {"selfManagedKafkaEventSourceConfig": {"consumerGroupId": "own", "consumptionMode": "Stream"}, "startingPosition": "LATEST"},
        {
            "selfManagedKafkaEventSourceConfig": {"consumerGroupId": "own", "consumptionMode": "Stream", "schemaRegistryConfig": registry("a", "KEY")},
            "onFailure": "kafka://dead", **POLLERS,
        },
        {"onFailure": "kafka://others"},
    ),
}  # fmt: skip


def leaves(value, path=""):
    """The paths of what is in it, through objects and lists; a map is one."""
    for name, one in value.items():
        inner = one[0] if isinstance(one, list) and isinstance(one[0], dict) else one
        if isinstance(inner, dict) and name != "tags":
            yield from leaves(inner, f"{path}{name}.")
        else:
            yield path + name


def schema_leaves(schema, path=""):
    for name, field in schema["properties"].items():
        inner = field.get("items", field)
        if "properties" in inner:
            yield from schema_leaves(inner, f"{path}{name}.")
        else:
            yield path + name


def test_every_member_of_every_kind_of_source_is_set_changed_and_removed(aws, serve, declare):
    """AWS is asked at the end of each apply: what it shows is what was declared, or what it has by itself."""
    crd = yaml.safe_load((ROOT / "manifests/crd.yaml").read_text(encoding="utf-8"))
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    known = set(schema_leaves(spec["properties"]["eventSources"]["items"])) - {"name"}
    assert known == {path for needs, has, _ in SOURCES.values() for path in leaves({**needs, **has})}

    def sources(which):
        return [{"name": name, **one[0], **(one[which] if which else {})} for name, one in SOURCES.items()]

    def shown():
        found = [{**one, "tags": tags(aws, one)} for one in mappings(aws)]
        names = {one["tags"].pop("kubelambda.io/event-source"): one for one in found}
        for one in found:
            one["tags"].pop("kubelambda.io/owner")
            for volatile in ("LastModified", "StateTransitionReason"):
                one.pop(volatile)
            if one.get("DocumentDBEventSourceConfig", {}).get("FullDocument") == "Default":
                del one["DocumentDBEventSourceConfig"]["FullDocument"]  # which AWS has anyway
        return names

    declare()
    aws.functions.publish_version(FunctionName=NAME)
    declare(eventSources=sources(0))
    plain = shown()
    assert plain.keys() == SOURCES.keys()
    for which in (1, 2):
        declare(eventSources=sources(which))
        now = shown()
        for name, one in SOURCES.items():
            assert now[name] != plain[name] and now[name]["UUID"] == plain[name]["UUID"], name
            check_shown(now[name], {**one[0], **one[which]})
        mark = aws.mark()
        declare(eventSources=sources(which), description=f"look {which}")
        assert changes(aws, mark) == ["UpdateFunctionConfiguration"]  # what is in force is not written again
    assert now["sqs"]["tags"] == {"team": "b"}
    declare(eventSources=sources(0))
    left = shown()
    assert left["kafka"].pop("LoggingConfig") == {"SystemLogLevel": "INFO"}  # which stays
    empty = ({}, [], "", {"OnFailure": {}}, {"Metrics": []})
    for name, one in left.items():
        assert {key: value for key, value in one.items() if value not in empty} == {
            key: value for key, value in plain[name].items() if value not in empty
        }, name


def check_shown(mapping, declared):
    """Members that AWS names alike are as they were declared."""
    other = ("tags", "onFailure", "enabled", "qualifier", "startingPositionTimestamp", "selfManagedEventSource")
    for name, value in declared.items():
        if name not in other:
            member = {"kmsKeyArn": "KMSKeyArn", "documentDBEventSourceConfig": "DocumentDBEventSourceConfig"}.get(name, name[0].upper() + name[1:])
            assert lower(mapping[member]) == lower(value), name
    assert mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") == declared.get("onFailure")
    assert mapping["State"] == ("Enabled" if declared.get("enabled", True) else "Disabled")
    assert mapping["FunctionArn"].endswith(":1") == ("qualifier" in declared)


def lower(value):
    """With the names of members in one case, and without what AWS has by itself."""
    if isinstance(value, dict):
        return {key.lower(): lower(one) for key, one in value.items()}
    return [lower(one) for one in value] if isinstance(value, list) else value


def test_ready_waits_for_the_states_of_an_event_source(aws, serve, cluster, namespace, declare):
    declare()
    aws.settings(mapping_ms=3000)
    cluster.apply(function("app", namespace, eventSources=[{"name": "orders", "eventSourceArn": QUEUE}]))
    wait_for(lambda: mappings(aws), what="the mapping")
    assert conditions(cluster.functions(namespace)["app"])["Ready"][0] == "False"
    mark = aws.mark()
    status = settled(cluster, "app", namespace)["status"]
    assert status["eventSources"][0]["state"] == "Enabled"
    asked = aws.journal("ListEventSourceMappings", "ListTags", since=mark)
    assert {one["operation"] for one in asked} == {"ListEventSourceMappings"}  # whose it is, is known by then
    declare()
    assert mappings(aws) == []


def test_others_mappings_stay_and_one_that_reads_the_same_is_told_of_or_taken_over(aws, serve, cluster, namespace, declare):
    declare()
    other = aws.functions.create_event_source_mapping(FunctionName=NAME, EventSourceArn=QUEUE)["UUID"]
    clicks = {"name": "clicks", "eventSourceArn": STREAM, "startingPosition": "LATEST", "bisectBatchOnFunctionError": True}
    declare(eventSources=[clicks])
    assert len(mappings(aws)) == 2
    orders = {"name": "orders", "eventSourceArn": QUEUE, "batchSize": 3}
    cluster.apply(function("app", namespace, eventSources=[clicks, orders]))
    told = conditions(settled(cluster, "app", namespace, "Stalled"))["Stalled"]
    assert told[1] == "EventSourceExists" and other in told[2]
    declare(eventSources=[clicks, orders], adoptionPolicy="Adopt")
    assert {one["BatchSize"] for one in mappings(aws) if one["UUID"] == other} == {3}
    declare(adoptionPolicy="Adopt")
    assert mappings(aws) == []


def test_the_answer_to_a_creation_that_is_lost_makes_no_second_mapping(aws, serve, declare):
    declare()
    aws.rule("CreateEventSourceMapping", times=1, perform=True, cut=0)
    declare(eventSources=[{"name": "orders", "eventSourceArn": QUEUE}])
    assert len(mappings(aws)) == 1


def test_mappings_go_with_the_function_and_stay_with_one_that_is_left(aws, serve, cluster, namespace, declare):
    source = [{"name": "orders", "eventSourceArn": QUEUE}]
    declare(eventSources=source)
    cluster.run("delete", "lambdafunction", "app", "-n", namespace)
    assert mappings(aws) == [] and aws.function(NAME) is None
    declare(eventSources=source, deletionPolicy="Retain")
    cluster.run("delete", "lambdafunction", "app", "-n", namespace)
    (left,) = mappings(aws)
    assert not any(key.startswith("kubelambda.io/") for key in tags(aws, left))
    aws.functions.delete_function(FunctionName=NAME)


# --- drift ------------------------------------------------------------------------------------------


def test_what_others_change_is_put_right_in_the_rotation(aws, serve_with, cluster, namespace):
    serve_with("--resync", "10m", "--rotation", "3s")
    cluster.apply(
        function(
            "app", namespace, functionUrl={"authType": "NONE"}, permissions=[BUCKET],
            eventSources=[{"name": "orders", "eventSourceArn": QUEUE}],
        )
    )  # fmt: skip
    settled(cluster, "app", namespace)
    aws.functions.update_function_url_config(FunctionName=NAME, AuthType="AWS_IAM")
    aws.functions.remove_permission(FunctionName=NAME, StatementId="s3")
    aws.functions.update_event_source_mapping(UUID=mappings(aws)[0]["UUID"], BatchSize=7)
    wait_for(lambda: url(aws)["AuthType"] == "NONE", what="the URL put right")
    wait_for(lambda: statements(aws).keys() == {"s3", *PUBLIC}, what="the permission put back")
    wait_for(lambda: mappings(aws)[0]["BatchSize"] == 10, what="the event source put right")
