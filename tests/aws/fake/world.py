"""What all parts of the fake share: settings, time, keys, limits, rules for faults, the journal."""

import asyncio
import fnmatch
import time

ACCOUNT = "123456789012"
SETTINGS = {
    "pending_ms": 0,  # how long a new function is Pending; 0: until it is asked for
    "update_ms": 0,  # how long an update is InProgress
    "mapping_ms": 0,  # how long an event source mapping is Creating, Updating, Deleting, …
    "limits": True,  # the published ones, per account and region
    "unlimited_users": ["admin"],  # whose calls do not count: the tests' own
    "signatures": True,
    "clock_offset_s": 0,  # AWS's clock against ours
    "regions": ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"],
    "denied": {},  # user -> operations that its policy does not allow
    "roles": {},  # ARN -> {"missing": true} | {"refuse_calls": N} | {"refuse_s": N} | {"not_assumable": true}: by us
    "missing_layers": [],
    "missing_signing_configs": [],
    "account_concurrency": 1000,
    "failed_update_keeps": "old",  # what GetFunction shows after a failed update: old | new
    "s3_wrong_region": 301,  # or 400; with "s3_tells_region": false without the header
    "s3_tells_region": True,
    "s3_hides_missing": [],  # users without s3:ListBucket, who get 403 for a missing key
}
RATES = {"GetFunction": 100, "GetPolicy": 15}  # per second; everything else together:
OTHER_RATE = 15
JOURNAL_BODY = 64 << 10


class Failure(Exception):
    """AWS refuses: an error answer."""

    def __init__(self, status, code, message, headers=None, **members):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers, self.members = headers or {}, members


class Call:
    """One request to Lambda, S3 or STS once it is known what it asks for."""

    __slots__ = ("account", "fail", "name", "operation", "region", "request", "service", "user", "world")

    def __init__(self, world, request, service, operation, name):
        self.world, self.request, self.service = world, request, service
        self.operation, self.name = operation, name
        self.account, self.region, self.user, self.fail = ACCOUNT, "us-east-1", None, None


class Rule:
    """operation, name, user, region: patterns with * and ?. The first `skip` matches pass, then `times`
    (absent: all) get what `then` says."""

    def __init__(self, number, settings):
        known = {"operation", "name", "user", "region", "skip", "times", "then"}
        if set(settings) - known or not isinstance(settings.get("then"), dict):
            raise ValueError(f"a rule has 'then' and may have {sorted(known)}, not {sorted(settings)}")
        self.number, self.settings, self.then = number, settings, settings["then"]
        self.skip, self.left = settings.get("skip", 0), settings.get("times")
        self.hits = 0
        self.event = asyncio.Event() if self.then.get("hold") else None

    def takes(self, call):
        for key in ("operation", "name", "user", "region"):
            if not fnmatch.fnmatchcase(getattr(call, key) or "", self.settings.get(key, "*")):
                return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        self.hits += 1
        return True


class World:
    def __init__(self):
        self.keys = {}  # access key -> {"secret", "account", "user"}
        self.number = 0
        self.reset()

    def reset(self):
        for rule in getattr(self, "rules", []):
            if rule.event:
                rule.event.set()
        self.settings = {key: value.copy() if isinstance(value, (dict, list)) else value for key, value in SETTINGS.items()}
        self.functions, self.buckets, self.mappings = {}, {}, {}
        self.rules, self.journal, self.calls, self.buckets_of_tokens = [], [], {}, {}
        self.role_first = {}  # ARN -> [when first asked for, how often]
        self.advanced_s = 0.0

    def now(self):
        return time.monotonic() + self.advanced_s

    def wall(self):
        return time.time() + self.advanced_s + self.settings["clock_offset_s"]

    def rule_for(self, call):
        return next((rule for rule in self.rules if rule.takes(call)), None)

    def count_limit(self, call):
        """Token buckets that hold one second's worth."""
        if not self.settings["limits"] or call.user in self.settings["unlimited_users"]:
            return
        rate = RATES.get(call.operation, OTHER_RATE)
        key = (call.account, call.region, call.operation if call.operation in RATES else "")
        now = self.now()
        tokens, since = self.buckets_of_tokens.get(key, (rate, now))
        tokens = min(rate, tokens + (now - since) * rate)
        if tokens < 1:
            self.buckets_of_tokens[key] = (tokens, now)
            raise Failure(429, "TooManyRequestsException", "Rate exceeded", {"Retry-After": "1"}, Reason="CallerRateLimitExceeded")
        self.buckets_of_tokens[key] = (tokens - 1, now)

    def check_role(self, arn):
        role = self.settings["roles"].get(arn)
        if not role:
            return
        first = self.role_first.setdefault(arn, [self.now(), 0])
        first[1] += 1
        if (
            role.get("missing")
            or first[1] <= role.get("refuse_calls", 0)
            or self.now() - first[0] < role.get("refuse_s", 0)
        ):
            raise Failure(400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", Type="User")

    def note(self, call, status, code):
        counts = self.calls.setdefault(call.operation, {})
        counts[str(status)] = counts.get(str(status), 0) + 1
        self.number += 1
        body = call.request.body[:JOURNAL_BODY].decode("utf-8", "replace")
        self.journal.append(
            {
                "number": self.number,
                "time": self.now(),
                "service": call.service,
                "operation": call.operation,
                "name": call.name,
                "user": call.user,
                "account": call.account,
                "region": call.region,
                "method": call.request.method,
                "path": call.request.path,
                "query": call.request.raw_query,
                "body": body if call.operation != "PutObject" else "",
                "status": status,
                "code": code,
            }
        )
