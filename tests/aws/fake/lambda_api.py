"""The Lambda API: routes, and what each operation does."""

import base64
import copy
import hashlib
import json
import uuid
from urllib.parse import unquote

from . import attached, s3, shapes
from .call import absent, find, key_of, page, read_body
from .function import Function, conflict, invalid, stale
from .web import Answer
from .world import Failure

UNZIPPED_MAX, ZIPPED_MAX = 262144000, 52428800
CODE_KEYS = ("S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "SourceKMSKeyArn")


# --- what create and update share -----------------------------------------------------------------


def check_runtime(runtime):
    if runtime is None:
        return
    if runtime not in shapes.RUNTIMES:
        allowed = [one for one in shapes.RUNTIMES if one not in shapes.BLOCKED_RUNTIMES]
        raise invalid(f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(allowed)}] or be a valid ARN")
    if runtime in shapes.BLOCKED_RUNTIMES:
        raise invalid(f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.")


def check_role(call, role):
    if role is None:
        return
    if role.split(":")[4] != call.account:
        raise Failure(403, "AccessDeniedException", "Cross-account pass role is not allowed.")
    call.world.check_role(role)


def image_digest(uri):
    return uri.rpartition("@sha256:")[2] if "@sha256:" in uri else hashlib.sha256(uri.encode()).hexdigest()


def load_code(call, function, code):
    """Reads the archive or image; returns the function that puts it in."""
    given = [name for name in ("ZipFile", "S3Bucket", "ImageUri") if code.get(name)]
    if not given:
        raise invalid("Please provide a source for function code." if function.package == "Zip" else "Please provide ImageUri when updating a function with packageType Image.")
    if len(given) > 1:
        raise invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
    if (function.package == "Image") != (given[0] == "ImageUri"):
        raise invalid(
            "Please provide ImageUri when updating a function with packageType Image."
            if function.package == "Image"
            else "Please don't provide ImageUri when updating a function with packageType Zip."
        )
    if given[0] == "ImageUri":
        return lambda: function.set_code(image_digest(code["ImageUri"]), 0, image=code["ImageUri"])
    if given[0] == "S3Bucket":
        if not code.get("S3Key"):
            raise invalid("Please provide an S3Key when specifying an S3Bucket.")
        version = s3.fetch_for_lambda(call.world, call.region, code)
        if code.get("S3ObjectStorageMode") == "REFERENCE" and not code.get("S3ObjectVersion"):
            raise invalid("S3ObjectVersion is required when S3ObjectStorageMode is REFERENCE.")
    else:
        try:
            version = s3.Version("null", base64.b64decode(code["ZipFile"], validate=True))
        except ValueError:
            raise Failure(400, "SerializationException", "ZipFile is not valid base64") from None
        if len(version.body) > ZIPPED_MAX:
            raise Failure(413, "RequestEntityTooLargeException", f"Zipped size must be smaller than {ZIPPED_MAX} bytes")
    size = version.unzipped_size()
    if size is None:
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    if size > UNZIPPED_MAX:
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_MAX} bytes")
    source = {name: code[name] for name in CODE_KEYS if name in code}
    return lambda: function.set_code(version.sha256, len(version.body), source=source)


def check_signing(call, arn):
    if arn in call.world.settings["missing_signing_configs"]:
        raise Failure(404, "CodeSigningConfigNotFoundException", None, Message=f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}.")


# --- functions ------------------------------------------------------------------------------------


def create_function(call):
    body = read_body(call, shapes.CREATE)
    key, qualifier = key_of(call, body["FunctionName"])
    world = call.world
    if len(key[2]) > 64:
        raise invalid(f"1 validation error detected: Value '{key[2]}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64")
    if qualifier:
        raise invalid("The derived qualifier from the function name is not allowed here.")
    if len(body.get("Tags", {})) > 50:
        raise invalid("Number of tags exceeds resource tag limit.")
    check_runtime(body.get("Runtime"))
    if key in world.functions:
        raise conflict(f"Function already exist: {key[2]}")
    check_role(call, body["Role"])
    function = Function(world, *key)
    function.package = body.get("PackageType", "Image" if "ImageUri" in body["Code"] else "Zip")
    members = function.merged({name: value for name, value in body.items() if name in shapes.CONFIGURATION or name == "TenancyConfig"})
    function.check_rules(members)
    check_signing(call, body.get("CodeSigningConfigArn"))
    load_code(call, function, body["Code"])()
    function.members, function.tags = members, dict(body.get("Tags", {}))
    function.architectures = body.get("Architectures", ["x86_64"])
    function.signing = body.get("CodeSigningConfigArn")
    world.functions[key] = function
    function.begin(world.settings["pending_ms"], call.fail)
    if body.get("Publish"):
        publish(function, "")
    return 201, function.configuration()


def update_code(call):
    body = read_body(call, shapes.UPDATE_CODE)
    function = find(call)
    function.check_idle()
    function.check_revision(body)
    put_in = load_code(call, function, body)
    if body.get("DryRun"):
        trial = copy.copy(function)
        trial.code = dict(function.code)
        return 200, trial.configuration()
    function.begin_update(call.fail)
    put_in()
    function.architectures = body.get("Architectures", function.architectures)
    if body.get("Publish"):
        publish(function, "")
    return 200, function.configuration()


def update_configuration(call):
    body = read_body(call, shapes.UPDATE_CONFIGURATION)
    function = find(call)
    check_runtime(body.get("Runtime"))
    function.check_idle()
    function.check_revision(body)
    body.pop("RevisionId", None)
    check_role(call, body.get("Role"))
    members = function.merged(body)
    function.check_rules(members)
    function.begin_update(call.fail)
    function.members = members
    return 200, function.configuration()


def get_function(call):
    function = find(call)
    answer = {"Configuration": shown_version(call, function), "Code": function.code_location()}
    if "ListTags" in call.world.settings["denied"].get(call.user, ()):
        answer["TagsError"] = {
            "ErrorCode": "AccessDeniedException",
            "Message": f"User: arn:aws:iam::{call.account}:user/{call.user} is not authorized to perform: lambda:ListTags on resource: {function.arn} because no identity-based policy allows the lambda:ListTags action",
        }
    elif function.tags:
        answer["Tags"] = dict(function.tags)
    if function.reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return 200, answer


def get_configuration(call):
    return 200, shown_version(call, find(call))


def shown_version(call, function):
    qualifier = call.request.argument("Qualifier") or key_of(call, call.name)[1]
    if qualifier in (None, "$LATEST"):
        return function.configuration()
    if qualifier in function.aliases:
        qualifier = function.aliases[qualifier]["FunctionVersion"]
    for version in function.versions:
        if version["Version"] == qualifier:
            return version
    raise absent(f"{function.arn}:{qualifier}")


def delete_function(call):
    function = find(call)
    qualifier = call.request.argument("Qualifier")
    if qualifier:
        if any(qualifier in targets(one) for one in function.aliases.values()):
            raise conflict(f"Alias points to version {qualifier}, which therefore cannot be deleted.")
        function.versions = [one for one in function.versions if one["Version"] != qualifier]
    else:
        del call.world.functions[(function.account, function.region, function.name)]
    return 204, None


def list_functions(call):
    mine = [one for key, one in sorted(call.world.functions.items()) if key[:2] == (call.account, call.region)]
    for one in mine:
        one.settle()
    rows = [one.listed for one in mine]
    if call.request.argument("FunctionVersion") == "ALL":
        rows += [(lambda one=one: one) for function in mine for one in function.versions]
    return page(call, rows, "Functions")


# --- tags -----------------------------------------------------------------------------------------


def find_by_arn(call):
    function = find(call)
    if call.name != function.arn:
        if call.name.startswith(function.arn):
            raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
        raise invalid(f"Value '{call.name}' at 'resource' is not the ARN of a function")
    return function


def tags_of(call):
    """The tags of the function or event source mapping whose ARN the call names."""
    tags = attached.tags_of_mapping(call)
    return find_by_arn(call).tags if tags is None else tags


def tag_resource(call):
    body = read_body(call, shapes.TAG_RESOURCE)
    tags = tags_of(call)
    if not body["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    if any(key.startswith("aws:") for key in body["Tags"]):
        raise invalid("System tags cannot be added/updated by requester.")
    if len(tags | body["Tags"]) > 50:
        raise invalid("Number of tags exceeds resource tag limit.")
    tags.update(body["Tags"])
    return 204, None


def untag_resource(call):
    keys = [value for name, value in call.request.query if name == "tagKeys"]
    if not keys:
        raise Failure(400, "ValidationException", "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null")
    tags = tags_of(call)
    for key in keys:
        tags.pop(key, None)
    return 204, None


def list_tags(call):
    return 200, {"Tags": dict(tags_of(call))}


# --- what has calls of its own --------------------------------------------------------------------


def put_concurrency(call):
    body = read_body(call, shapes.CONCURRENCY)
    function = find(call)
    if key_of(call, call.name)[1]:
        raise invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
    wanted = body["ReservedConcurrentExecutions"]
    others = sum(one.reserved or 0 for one in call.world.functions.values() if one is not function and one.account == call.account and one.region == call.region)
    if call.world.settings["account_concurrency"] - others - wanted < 100 and wanted > 0:
        raise invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
    function.reserved = wanted
    return 200, body


def get_concurrency(call):
    reserved = find(call).reserved
    return 200, {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_concurrency(call):
    find(call).reserved = None
    return 204, None


def qualified(call, function):
    return f"{function.arn}:{call.request.argument('Qualifier', '$LATEST')}"


def show_event_invoke(call, function, config):
    destinations = {"OnSuccess": {}, "OnFailure": {}, **config.get("DestinationConfig", {})}
    return 200, {"LastModified": call.world.wall(), "FunctionArn": qualified(call, function), **config, "DestinationConfig": destinations}


def put_event_invoke(call, merge=False):
    body = read_body(call, shapes.EVENT_INVOKE)
    function = find(call)
    if not body:
        raise invalid("You must specify at least one of error handling or destination setting.")
    arn = qualified(call, function)
    if merge and arn not in function.event_invoke:
        raise no_event_invoke(arn)
    function.event_invoke[arn] = {**function.event_invoke[arn], **body} if merge else body
    return show_event_invoke(call, function, function.event_invoke[arn])


def no_event_invoke(arn):
    return Failure(404, "ResourceNotFoundException", None, Message=f"The function {arn} doesn't have an EventInvokeConfig", Type="User")


def get_event_invoke(call):
    function = find(call)
    arn = qualified(call, function)
    if arn not in function.event_invoke:
        raise no_event_invoke(arn)
    return show_event_invoke(call, function, function.event_invoke[arn])


def delete_event_invoke(call):
    function = find(call)
    arn = qualified(call, function)
    if function.event_invoke.pop(arn, None) is None:
        raise no_event_invoke(arn)
    return 204, None


def put_recursion(call):
    body = read_body(call, shapes.RECURSION)
    find(call).recursive = body["RecursiveLoop"]
    return 200, body


def get_recursion(call):
    return 200, {"RecursiveLoop": find(call).recursive}


def put_runtime_management(call):
    body = read_body(call, shapes.RUNTIME_MANAGEMENT)
    function = find(call)
    if (body["UpdateRuntimeOn"] == "Manual") != ("RuntimeVersionArn" in body):
        raise invalid("RuntimeVersionArn is required for the update mode Manual, and only for it.")
    function.runtime_management[qualified(call, function)] = body
    return get_runtime_management(call)


def get_runtime_management(call):
    function = find(call)
    arn = qualified(call, function)
    return 200, {"UpdateRuntimeOn": "Auto", "FunctionArn": arn, **function.runtime_management.get(arn, {})}


def put_code_signing(call):
    body = read_body(call, shapes.CODE_SIGNING)
    function = find(call)
    if function.package != "Zip":
        raise invalid("Code signing is not supported for functions created with container images.")
    check_signing(call, body["CodeSigningConfigArn"])
    function.signing = body["CodeSigningConfigArn"]
    return 200, {"CodeSigningConfigArn": function.signing, "FunctionName": function.name}


def get_code_signing(call):
    function = find(call)
    return 200, {"CodeSigningConfigArn": function.signing, "FunctionName": function.name} if function.signing else {}


def delete_code_signing(call):
    find(call).signing = None
    return 204, None


def put_provisioned(call):
    body = read_body(call, shapes.PROVISIONED)
    function = find(call)
    qualifier = call.request.argument("Qualifier", "$LATEST")
    if qualifier == "$LATEST":
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    known = [one["Version"] for one in function.versions] + list(function.aliases)
    if qualifier not in known:
        raise absent(f"{function.arn}:{qualifier}")
    until = call.world.now() + call.world.settings["update_ms"] / 1000
    function.provisioned[qualifier] = (body["ProvisionedConcurrentExecutions"], until)
    return 202, show_provisioned(call, function, qualifier, False)


def show_provisioned(call, function, qualifier, may_be_ready=True):
    count, until = function.provisioned[qualifier]
    ready = may_be_ready and call.world.now() >= until
    done = count if ready else 0
    return {
        "RequestedProvisionedConcurrentExecutions": count,
        "AllocatedProvisionedConcurrentExecutions": done,
        "AvailableProvisionedConcurrentExecutions": done,
        "Status": "READY" if ready else "IN_PROGRESS",
        "LastModified": function.modified,
    }


def get_provisioned(call):
    function, qualifier = find(call), call.request.argument("Qualifier")
    if qualifier not in function.provisioned:
        raise Failure(404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", Type="User")
    return 200, show_provisioned(call, function, qualifier)


def delete_provisioned(call):
    find(call).provisioned.pop(call.request.argument("Qualifier"), None)
    return 204, None


# --- versions and aliases -------------------------------------------------------------------------


def publish(function, description):
    same = ("CodeSha256", "ConfigSha256")
    last = function.versions[-1] if function.versions else None
    now = function.configuration()
    if last and all(last[name] == now[name] for name in same):
        return last
    number = str(int(last["Version"]) + 1 if last else 1)
    version = {**now, "Version": number, "FunctionArn": f"{function.arn}:{number}", "RevisionId": str(uuid.uuid4())}
    version |= {"State": "Active", "LastUpdateStatus": "Successful"}
    for name in ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
        version.pop(name, None)
    if description:
        version["Description"] = description
    function.versions.append(version)
    return version


def publish_version(call):
    body = read_body(call, shapes.PUBLISH)
    function = find(call)
    function.check_idle()
    function.check_revision(body)
    current = function.code["sha256"]
    if body.get("CodeSha256") and body["CodeSha256"] != current:
        raise invalid(f"CodeSHA256 ({body['CodeSha256']}) is different from current CodeSHA256 in $LATEST ({current}). Please try again with the CodeSHA256 in $LATEST.")
    return 201, publish(function, body.get("Description"))


def list_versions(call):
    function = find(call)
    return page(call, [function.configuration, *((lambda one=one: one) for one in function.versions)], "Versions")


def targets(alias):
    return [alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})]


def check_alias(function, body):
    wanted = targets(body)
    known = ["$LATEST", *(one["Version"] for one in function.versions)]
    for version in wanted:
        if version not in known:
            raise absent(f"{function.arn}:{version}")
    if len(wanted) > 2 or (len(wanted) == 2 and "$LATEST" in wanted):
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")


def create_alias(call):
    body = read_body(call, shapes.CREATE_ALIAS)
    function = find(call)
    name = body["Name"]
    if name in function.aliases:
        raise conflict(f"Alias already exists: {function.arn}:{name}")
    check_alias(function, body)
    function.aliases[name] = {"Description": "", **body, "AliasArn": f"{function.arn}:{name}", "RevisionId": str(uuid.uuid4())}
    return 201, function.aliases[name]


def find_alias(call):
    function, name = find(call), unquote(call.request.path.rpartition("/")[2])
    if name not in function.aliases:
        raise Failure(404, "ResourceNotFoundException", None, Message=f"Cannot find alias arn: {function.arn}:{name}", Type="User")
    return function, name


def get_alias(call):
    function, name = find_alias(call)
    return 200, function.aliases[name]


def update_alias(call):
    body = read_body(call, shapes.UPDATE_ALIAS)
    function, name = find_alias(call)
    old = function.aliases[name]
    if body.get("RevisionId") and body["RevisionId"] != old["RevisionId"]:
        raise stale()
    new = {**old, **body, "RevisionId": str(uuid.uuid4())}
    if not new.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        new.pop("RoutingConfig", None)
    check_alias(function, new)
    if name in function.provisioned and targets(new) != targets(old):
        count, _ = function.provisioned[name]
        function.provisioned[name] = (count, call.world.now() + call.world.settings["update_ms"] / 1000)
    function.aliases[name] = new
    return 200, new


def delete_alias(call):
    function, name = find(call), unquote(call.request.path.rpartition("/")[2])
    function.aliases.pop(name, None)
    function.provisioned.pop(name, None)
    function.event_invoke.pop(f"{function.arn}:{name}", None)
    return 204, None


def list_aliases(call):
    version = call.request.argument("FunctionVersion")
    found = find(call).aliases.values()
    return page(call, [(lambda one=one: one) for one in found if version in (None, one["FunctionVersion"])], "Aliases")


def account_settings(call):
    mine = [one for key, one in call.world.functions.items() if key[:2] == (call.account, call.region)]
    limit = call.world.settings["account_concurrency"]
    return 200, {
        "AccountLimit": {
            "TotalCodeSize": 80530636800, "CodeSizeUnzipped": UNZIPPED_MAX, "CodeSizeZipped": ZIPPED_MAX,
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit - sum(one.reserved or 0 for one in mine),
        },
        "AccountUsage": {"TotalCodeSize": sum(one.code["size"] for one in mine), "FunctionCount": len(mine)},
    }  # fmt: skip


# Method, path with {} for the function or resource, operation.
F = "/2015-03-31/functions"
TABLE = (
    ("POST", F, "CreateFunction", create_function),
    ("GET", F, "ListFunctions", list_functions),
    ("GET", F + "/{}", "GetFunction", get_function),
    ("DELETE", F + "/{}", "DeleteFunction", delete_function),
    ("GET", F + "/{}/configuration", "GetFunctionConfiguration", get_configuration),
    ("PUT", F + "/{}/configuration", "UpdateFunctionConfiguration", update_configuration),
    ("PUT", F + "/{}/code", "UpdateFunctionCode", update_code),
    ("POST", F + "/{}/versions", "PublishVersion", publish_version),
    ("GET", F + "/{}/versions", "ListVersionsByFunction", list_versions),
    ("POST", F + "/{}/aliases", "CreateAlias", create_alias),
    ("GET", F + "/{}/aliases", "ListAliases", list_aliases),
    ("GET", F + "/{}/aliases/*", "GetAlias", get_alias),
    ("PUT", F + "/{}/aliases/*", "UpdateAlias", update_alias),
    ("DELETE", F + "/{}/aliases/*", "DeleteAlias", delete_alias),
    ("POST", "/2017-03-31/tags/{}", "TagResource", tag_resource),
    ("DELETE", "/2017-03-31/tags/{}", "UntagResource", untag_resource),
    ("GET", "/2017-03-31/tags/{}", "ListTags", list_tags),
    ("PUT", "/2017-10-31/functions/{}/concurrency", "PutFunctionConcurrency", put_concurrency),
    ("DELETE", "/2017-10-31/functions/{}/concurrency", "DeleteFunctionConcurrency", delete_concurrency),
    ("GET", "/2019-09-30/functions/{}/concurrency", "GetFunctionConcurrency", get_concurrency),
    ("PUT", "/2019-09-30/functions/{}/provisioned-concurrency", "PutProvisionedConcurrencyConfig", put_provisioned),
    ("GET", "/2019-09-30/functions/{}/provisioned-concurrency", "GetProvisionedConcurrencyConfig", get_provisioned),
    ("DELETE", "/2019-09-30/functions/{}/provisioned-concurrency", "DeleteProvisionedConcurrencyConfig", delete_provisioned),
    ("PUT", "/2019-09-25/functions/{}/event-invoke-config", "PutFunctionEventInvokeConfig", put_event_invoke),
    ("POST", "/2019-09-25/functions/{}/event-invoke-config", "UpdateFunctionEventInvokeConfig", lambda call: put_event_invoke(call, True)),
    ("GET", "/2019-09-25/functions/{}/event-invoke-config", "GetFunctionEventInvokeConfig", get_event_invoke),
    ("DELETE", "/2019-09-25/functions/{}/event-invoke-config", "DeleteFunctionEventInvokeConfig", delete_event_invoke),
    ("PUT", "/2024-08-31/functions/{}/recursion-config", "PutFunctionRecursionConfig", put_recursion),
    ("GET", "/2024-08-31/functions/{}/recursion-config", "GetFunctionRecursionConfig", get_recursion),
    ("PUT", "/2021-07-20/functions/{}/runtime-management-config", "PutRuntimeManagementConfig", put_runtime_management),
    ("GET", "/2021-07-20/functions/{}/runtime-management-config", "GetRuntimeManagementConfig", get_runtime_management),
    ("PUT", "/2020-06-30/functions/{}/code-signing-config", "PutFunctionCodeSigningConfig", put_code_signing),
    ("GET", "/2020-06-30/functions/{}/code-signing-config", "GetFunctionCodeSigningConfig", get_code_signing),
    ("DELETE", "/2020-06-30/functions/{}/code-signing-config", "DeleteFunctionCodeSigningConfig", delete_code_signing),
    ("GET", "/2016-08-19/account-settings", "GetAccountSettings", account_settings),
    *attached.TABLE,
)  # fmt: skip
ROUTES = {}
for method, path, name, run in TABLE:
    parts = tuple(None if part in ("{}", "*") else part for part in path.split("/")[1:])
    ROUTES.setdefault((method, len(parts)), []).append((parts, name, run))
RUN = {name: run for _, _, name, run in TABLE}


def route(request):
    """Operation and function name, decoded; ("Unknown", None) when there is no such path."""
    parts = request.path.rstrip("/").split("/")[1:]
    for pattern, operation, _ in ROUTES.get((request.method, len(parts)), ()):
        if all(want is None or want == have for want, have in zip(pattern, parts, strict=True)):
            place = pattern.index(None) if None in pattern else None
            return operation, unquote(parts[place]) if place is not None else None
    return "Unknown", None


def named(request, operation, name):
    """Of some operations in the body."""
    if operation not in ("CreateFunction", "CreateEventSourceMapping"):
        return name
    try:
        return str(json.loads(request.body).get("FunctionName"))
    except (ValueError, AttributeError):
        return None


def error(failure):
    body = dict(failure.members)
    if failure.message is not None:
        body["message"] = failure.message
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": failure.code, **failure.headers}
    return Answer(failure.status, json.dumps(body).encode(), headers)


def answer(call):
    if call.operation not in RUN:
        raise Failure(404, "UnknownOperationException", f"This fake does not know {call.request.method} {call.request.path}")
    status, body = RUN[call.operation](call)
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": str(call.world.number)}
    return Answer(status, b"" if body is None else json.dumps(body).encode(), headers)
