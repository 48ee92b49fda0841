"""What hangs on a function: its URL, the statements of its policy, event source mappings."""

import hashlib
import json
import uuid
from urllib.parse import unquote

from . import shapes
from .call import absent, find, key_of, page, read_body
from .function import conflict, invalid, stale
from .world import Failure

POLICY_MAX = 20480
CONDITIONS = {  # of AddPermission, as a policy has them
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
STREAMS, KAFKA = ("kinesis", "dynamodb"), ("kafka", "self-managed")
MAPPING_DEFAULTS = {
    "MaximumRecordAgeInSeconds": (-1, STREAMS + KAFKA),
    "BisectBatchOnFunctionError": (False, STREAMS + KAFKA),
    "MaximumRetryAttempts": (-1, STREAMS + KAFKA),
    "ParallelizationFactor": (1, STREAMS),
    "TumblingWindowInSeconds": (0, STREAMS),
    "MaximumBatchingWindowInSeconds": (0, ("sqs", *STREAMS)),
    "FunctionResponseTypes": ([], ("sqs", *STREAMS, *KAFKA)),
}
ONLY = {  # members that only some sources take
    "ScalingConfig": ("sqs",),
    "ParallelizationFactor": STREAMS,
    "TumblingWindowInSeconds": STREAMS,
    "MaximumRecordAgeInSeconds": STREAMS + KAFKA,
    "BisectBatchOnFunctionError": STREAMS + KAFKA,
    "MaximumRetryAttempts": STREAMS + KAFKA,
    "DestinationConfig": STREAMS + KAFKA,
    "StartingPosition": (*STREAMS, *KAFKA, "rds"),
    "Topics": KAFKA,
    "Queues": ("mq",),
    "DocumentDBEventSourceConfig": ("rds",),
}


def qualifier_of(call):
    """The alias or version that the call is about; it must be there. None: the function."""
    function = find(call)
    qualifier = call.request.argument("Qualifier") or key_of(call, call.name)[1]
    if qualifier in (None, "$LATEST"):
        return function, None
    if qualifier not in function.aliases and qualifier not in [one["Version"] for one in function.versions]:
        raise absent(f"{function.arn}:{qualifier}")
    return function, qualifier


# --- URLs -----------------------------------------------------------------------------------------


def url_of(call):
    function, qualifier = qualifier_of(call)
    if qualifier not in function.urls:
        raise Failure(404, "ResourceNotFoundException", None, Message="The resource you requested does not exist.", Type="User")
    return function, qualifier


def create_url(call):
    body = read_body(call, shapes.CREATE_URL)
    function, qualifier = qualifier_of(call)
    if qualifier and qualifier.isdigit():
        raise invalid("A function URL cannot be made for a version.")
    if qualifier in function.urls:
        raise conflict(f"Failed to create function url config for [functionArn = {function.arn}]. Error message:  FunctionUrlConfig exists for this Lambda function")
    label = hashlib.sha256(f"{function.arn}:{qualifier}".encode()).hexdigest()[:32]
    function.urls[qualifier] = {
        "FunctionUrl": f"https://{label}.lambda-url.{function.region}.on.aws/",
        "FunctionArn": function.arn + (f":{qualifier}" if qualifier else ""),
        "CreationTime": "2026-11-24T12:00:00.000000000Z",
        "InvokeMode": "BUFFERED",
        **body,
    }
    return 201, function.urls[qualifier]


def update_url(call):
    body = read_body(call, shapes.UPDATE_URL)
    function, qualifier = url_of(call)
    url = {**function.urls[qualifier], **body}
    if not url.get("Cors"):
        url.pop("Cors", None)
    function.urls[qualifier] = url
    return 200, url


def get_url(call):
    function, qualifier = url_of(call)
    return 200, function.urls[qualifier]


def delete_url(call):
    function, qualifier = url_of(call)
    del function.urls[qualifier]
    return 204, None


# --- policies -------------------------------------------------------------------------------------


def principal(text):
    """As AWS shows it: an account as its root."""
    if text == "*":
        return text
    if text.isdigit():
        return {"AWS": f"arn:aws:iam::{text}:root"}
    return {"AWS" if text.startswith("arn:") else "Service": text}


def add_permission(call):
    body = read_body(call, shapes.ADD_PERMISSION)
    function, qualifier = qualifier_of(call)
    policy = function.policies.setdefault(qualifier, {"RevisionId": str(uuid.uuid4()), "Statement": {}})
    if body.get("RevisionId") and body["RevisionId"] != policy["RevisionId"]:
        raise stale()
    if body["StatementId"] in policy["Statement"]:
        raise conflict(f"The statement id ({body['StatementId']}) provided already exists. Please provide a new statement id, or remove the existing statement.")
    if body.get("FunctionUrlAuthType") and body["Action"] != "lambda:InvokeFunctionUrl":
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    statement = {
        "Sid": body["StatementId"],
        "Effect": "Allow",
        "Principal": principal(body["Principal"]),
        "Action": body["Action"],
        "Resource": function.arn + (f":{qualifier}" if qualifier else ""),
    }
    for name, (operator, key) in CONDITIONS.items():
        if name in body:
            value = str(body[name]).lower() if name == "InvokedViaFunctionUrl" else body[name]
            statement.setdefault("Condition", {}).setdefault(operator, {})[key] = value
    statements = {**policy["Statement"], statement["Sid"]: statement}
    if len(shown_policy(statements)) > POLICY_MAX:
        raise Failure(400, "PolicyLengthExceededException", f"The final policy size ({len(shown_policy(statements))}) is bigger than the limit ({POLICY_MAX}).", Type="User")
    policy["Statement"], policy["RevisionId"] = statements, str(uuid.uuid4())
    return 201, {"Statement": json.dumps(statement, separators=(",", ":"))}


def shown_policy(statements):
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements.values())}
    return json.dumps(policy, separators=(",", ":"))


def policy_of(call):
    function, qualifier = qualifier_of(call)
    policy = function.policies.get(qualifier)
    if not policy or not policy["Statement"]:
        raise Failure(404, "ResourceNotFoundException", None, Message="The resource you requested does not exist.", Type="User")
    return policy


def get_policy(call):
    policy = policy_of(call)
    return 200, {"Policy": shown_policy(policy["Statement"]), "RevisionId": policy["RevisionId"]}


def remove_permission(call):
    policy, sid = policy_of(call), unquote(call.request.path.rpartition("/")[2])
    if call.request.argument("RevisionId", policy["RevisionId"]) != policy["RevisionId"]:
        raise stale()
    if sid not in policy["Statement"]:
        raise Failure(404, "ResourceNotFoundException", None, Message=f"Statement {sid} is not found in resource policy.", Type="User")
    del policy["Statement"][sid]
    policy["RevisionId"] = str(uuid.uuid4())
    return 204, None


# --- event source mappings --------------------------------------------------------------------------


def service(mapping):
    return mapping["EventSourceArn"].split(":")[2] if "EventSourceArn" in mapping else "self-managed"


def check_mapping(body):
    source = service(body)
    for name, sources in ONLY.items():
        if body.get(name) not in (None, {}) and source not in sources:
            raise invalid(f"Unsupported {name} parameter for given event source mapping type.")
    queue = body.get("SelfManagedKafkaEventSourceConfig", {}).get("ConsumptionMode") == "Queue"
    if source in (*STREAMS, *KAFKA, "rds") and "StartingPosition" not in body and not queue:
        raise invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
    if (body.get("StartingPosition") == "AT_TIMESTAMP") != ("StartingPositionTimestamp" in body):
        raise invalid("StartingPositionTimestamp is required with AT_TIMESTAMP, and only with it.")
    if source == "sqs":
        fifo, size, window = body["EventSourceArn"].endswith(".fifo"), body.get("BatchSize", 10), body.get("MaximumBatchingWindowInSeconds", 0)
        if fifo and (size > 10 or window):
            raise invalid("Batch size must be at most 10 and there is no batching window for FIFO queues.")
        if size > 10 and not window:
            raise invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    for name, sources in (("Topics", KAFKA), ("Queues", ("mq",)), ("DocumentDBEventSourceConfig", ("rds",))):
        if source in sources and not body.get(name):
            raise invalid(f"{name} is required for this event source.")


def target(call, text):
    key, qualifier = key_of(call, text)
    function = call.world.functions.get(key)
    if not function:
        raise invalid("Function does not exist")
    if qualifier and qualifier not in function.aliases and qualifier not in [one["Version"] for one in function.versions]:
        raise invalid("Function does not exist")
    return function.arn + (f":{qualifier}" if qualifier not in (None, "$LATEST") else "")


def begin(call, mapping, state, then):
    mapping["State"], mapping["then"] = state, then
    mapping["until"] = call.world.now() + call.world.settings["mapping_ms"] / 1000


def settle(call, mapping):
    if mapping["then"] and call.world.now() >= mapping["until"]:
        if mapping["then"] == "gone":
            call.world.mappings.pop(mapping["UUID"], None)
        mapping["State"], mapping["then"] = mapping["then"], None


def shown(mapping):
    return {key: value for key, value in mapping.items() if key not in ("then", "until", "Tags", "Enabled")}


def same_source(one, body):
    names = ("EventSourceArn", "Topics", "Queues", "SelfManagedEventSource")
    return all(one.get(name) == body.get(name) for name in names)


def create_mapping(call):
    body = read_body(call, shapes.CREATE_MAPPING)
    if ("EventSourceArn" in body) == ("SelfManagedEventSource" in body):
        raise invalid("Either EventSourceArn or SelfManagedEventSource is required.")
    check_mapping(body)
    arn = target(call, body.pop("FunctionName"))
    for one in list(call.world.mappings.values()):
        settle(call, one)
        if one["UUID"] in call.world.mappings and one["FunctionArn"] == arn and same_source(one, body):
            raise conflict(f"An event source mapping with {service(body)} arn (\" {body.get('EventSourceArn')} \") and function (\" {arn.split(':')[6]} \") already exists. Please update or delete the existing mapping with UUID {one['UUID']}")
    number = str(uuid.uuid4())
    defaults = {name: value for name, (value, sources) in MAPPING_DEFAULTS.items() if service(body) in sources}
    mapping = {
        "UUID": number, "FunctionArn": arn, "LastModified": call.world.wall(),
        "EventSourceMappingArn": f"arn:aws:lambda:{call.region}:{call.account}:event-source-mapping:{number}",
        "StateTransitionReason": "USER_INITIATED", "BatchSize": 10 if service(body) == "sqs" else 100,
        "Tags": {}, **defaults, **body,
    }  # fmt: skip
    begin(call, mapping, "Creating", "Enabled" if body.get("Enabled", True) else "Disabled")
    call.world.mappings[number] = mapping
    return 202, shown(mapping)


def find_mapping(call):
    mapping = call.world.mappings.get(call.name)
    if mapping:
        settle(call, mapping)
    if not mapping or call.name not in call.world.mappings:
        raise Failure(404, "ResourceNotFoundException", None, Message="The resource you requested does not exist.", Type="User")
    return mapping


def check_settled(mapping):
    if mapping["then"]:
        raise Failure(400, "ResourceInUseException", None, Message=f"Cannot update the event source mapping because it is in use. {mapping['State']}", Type="User")


def update_mapping(call):
    body = read_body(call, shapes.UPDATE_MAPPING)
    mapping = find_mapping(call)
    check_settled(mapping)
    new = {**mapping, **body}
    check_mapping(new)
    if "FunctionName" in body:
        new["FunctionArn"] = target(call, new.pop("FunctionName"))
    enabled = body.get("Enabled", mapping["State"] == "Enabled")
    for name in ("FilterCriteria", "ScalingConfig", "ProvisionedPollerConfig"):
        if new.get(name) == {}:
            del new[name]
    if new.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") == "":
        new["DestinationConfig"] = {"OnFailure": {}}
    for name in ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"):
        if new.get(name, {}).get("SchemaRegistryConfig") == {}:
            del new[name]["SchemaRegistryConfig"]
    was = mapping["State"] == "Enabled"
    begin(call, new, "Updating" if enabled == was else "Enabling" if enabled else "Disabling", "Enabled" if enabled else "Disabled")
    call.world.mappings[mapping["UUID"]] = new
    return 202, shown(new)


def delete_mapping(call):
    mapping = find_mapping(call)
    check_settled(mapping)
    begin(call, mapping, "Deleting", "gone")
    return 202, shown(mapping)


def get_mapping(call):
    return 200, shown(find_mapping(call))


def list_mappings(call):
    name, source = call.request.argument("FunctionName"), call.request.argument("EventSourceArn")
    key, qualifier = key_of(call, name) if name else (None, None)
    arn = f"arn:aws:lambda:{key[1]}:{key[0]}:function:{key[2]}" + (f":{qualifier}" if qualifier else "") if name else None
    for one in list(call.world.mappings.values()):
        settle(call, one)
    rows = [
        (lambda one=one: shown(one))
        for one in call.world.mappings.values()
        if arn in (None, one["FunctionArn"]) and source in (None, one.get("EventSourceArn"))
    ]
    return page(call, rows, "EventSourceMappings")


def tags_of_mapping(call):
    """The tags of the mapping whose ARN the call names; None: it names something else."""
    if ":event-source-mapping:" not in (call.name or ""):
        return None
    mapping = call.world.mappings.get(call.name.rpartition(":")[2])
    if not mapping:
        raise Failure(404, "ResourceNotFoundException", None, Message="The resource you requested does not exist.", Type="User")
    return mapping["Tags"]


F, M = "/2015-03-31/functions", "/2015-03-31/event-source-mappings"
TABLE = (
    ("POST", "/2021-10-31/functions/{}/url", "CreateFunctionUrlConfig", create_url),
    ("PUT", "/2021-10-31/functions/{}/url", "UpdateFunctionUrlConfig", update_url),
    ("GET", "/2021-10-31/functions/{}/url", "GetFunctionUrlConfig", get_url),
    ("DELETE", "/2021-10-31/functions/{}/url", "DeleteFunctionUrlConfig", delete_url),
    ("POST", F + "/{}/policy", "AddPermission", add_permission),
    ("GET", F + "/{}/policy", "GetPolicy", get_policy),
    ("DELETE", F + "/{}/policy/*", "RemovePermission", remove_permission),
    ("POST", M, "CreateEventSourceMapping", create_mapping),
    ("GET", M, "ListEventSourceMappings", list_mappings),
    ("GET", M + "/{}", "GetEventSourceMapping", get_mapping),
    ("PUT", M + "/{}", "UpdateEventSourceMapping", update_mapping),
    ("DELETE", M + "/{}", "DeleteEventSourceMapping", delete_mapping),
)  # fmt: skip
