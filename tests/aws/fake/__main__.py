"""python -m fake PORT DIR: serves on 127.0.0.1:PORT and writes DIR/admin.env and DIR/kubelambda.env. All
that a request meets: key and signature, permission, rules for faults, limits, the operation, the journal;
and the control endpoint /_fake/…"""

import asyncio
import gc
import json
import os
import secrets
import sys
import traceback

from . import lambda_api, s3, sigv4, sts, web
from .world import ACCOUNT, SETTINGS, Call, Failure, Rule, World

BUCKET, REGION = "artifacts", "us-east-1"
THEN = {
    "status", "code", "message", "headers", "html", "body", "merge", "delay_ms", "slow_ms", "cut", "hold", "perform", "fail",
}  # fmt: skip


class Server:
    def __init__(self):
        self.world = World()
        self.set_up()

    def set_up(self):
        self.world.buckets[BUCKET] = s3.Bucket(BUCKET, REGION, versioned=True)

    # --- a request ----------------------------------------------------------------------------

    def handle(self, request):
        if request.path.startswith("/_fake/"):
            try:
                return self.control(request)
            except (ValueError, KeyError, TypeError) as error:
                return web.Answer(400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        scope = sigv4.scope(request)
        service = scope[3] if scope else ("lambda" if request.path[1:3] == "20" else "s3")
        api = {"lambda": lambda_api, "s3": s3, "sts": sts}.get(service)
        if not api:
            return web.Answer(501, f"this fake has no {service}".encode())
        if service == "lambda":
            operation, name = lambda_api.route(request)
            name = lambda_api.named(request, operation, name)
        elif service == "sts":
            operation, name = sts.operation_of(request), ""
        else:
            operation, name = s3.operation_of(request), "/".join(s3.split(request))
        call = Call(self.world, request, service, operation, name)
        rule, code = None, None
        try:
            self.authenticate(call, scope)
            rule = self.world.rule_for(call)
            answer = self.perform(call, api, rule)
        except Failure as failure:
            code, answer = failure.code, api.error(failure)
        except Exception as error:
            traceback.print_exc()
            code, answer = "FakeIsBroken", web.Answer(500, f"the fake is broken: {error!r}".encode())
        if rule:
            self.spoil(answer, rule)
        self.world.note(call, answer.status, code)
        return answer

    def authenticate(self, call, scope):
        world = self.world
        if not scope:
            if world.settings["signatures"]:
                code = "MissingAuthenticationTokenException" if call.service == "lambda" else "AccessDenied"
                raise Failure(403, code, "Missing Authentication Token" if call.service == "lambda" else "Access Denied")
            return
        key, call.region = world.keys.get(scope[0]), scope[2]
        if not key:
            code = "UnrecognizedClientException" if call.service == "lambda" else "InvalidAccessKeyId"
            raise Failure(403, code, "The security token included in the request is invalid.")
        call.account, call.user = key["account"], key["user"]
        if world.settings["signatures"]:
            try:
                sigv4.check(call.request, key["secret"], world.wall())
            except sigv4.Refused as refused:
                raise Failure(refused.status, refused.code, refused.message) from None
        token = call.request.headers.get("x-amz-security-token")
        if key.get("token") != token:
            raise Failure(403, "UnrecognizedClientException" if call.service == "lambda" else "InvalidToken", "The security token included in the request is invalid.")
        if key.get("expires") and world.wall() >= key["expires"]:
            code = "ExpiredTokenException" if call.service == "lambda" else "ExpiredToken"
            raise Failure(403 if call.service == "lambda" else 400, code, "The security token included in the request is expired")
        if call.region not in world.settings["regions"]:
            raise Failure(403, "InvalidSignatureException", "Credential should be scoped to a valid region.")
        if call.operation in world.settings["denied"].get(call.user, ()):
            action = f"{call.service}:{call.operation}"
            raise Failure(403, "AccessDeniedException" if call.service == "lambda" else "AccessDenied", f"User: arn:aws:iam::{call.account}:user/{call.user} is not authorized to perform: {action} on resource: {call.name} because no identity-based policy allows the {action} action")

    def perform(self, call, api, rule):
        """The operation, unless the rule puts something in its place."""
        then = rule.then if rule else {}
        call.fail = then.get("fail")
        if call.service == "lambda":
            self.world.count_limit(call)
        done = None
        if not ({"status", "html", "body"} & set(then)) or then.get("perform"):
            done = api.answer(call)
        if "html" in then:
            return web.Answer(then.get("status", 502), then["html"].encode(), {"Content-Type": "text/html", **then.get("headers", {})})
        if "body" in then:
            return web.Answer(then.get("status", 200), then["body"].encode(), {"Content-Type": "application/json", **then.get("headers", {})})
        if "status" in then:
            raise Failure(then["status"], then.get("code", ""), then.get("message", "as the rule says"), then.get("headers"))
        if "merge" in then:
            done.body = json.dumps(merge(json.loads(done.body), then["merge"])).encode()
        return done

    def spoil(self, answer, rule):
        then = rule.then
        answer.delay, answer.slow = then.get("delay_ms", 0) / 1000, then.get("slow_ms", 0) / 1000
        answer.cut, answer.hold = then.get("cut"), rule.event

    # --- control ------------------------------------------------------------------------------

    def control(self, request):
        world, what = self.world, request.path.removeprefix("/_fake/")
        body = json.loads(request.body) if request.body else {}
        answer = {}
        if what == "settings":
            unknown = set(body) - set(SETTINGS)
            if unknown:
                raise ValueError(f"there are no settings {sorted(unknown)}, only {sorted(SETTINGS)}")
            world.settings |= body
            answer = world.settings
        elif what == "rules" and request.method == "POST":
            unknown = set(body.get("then", {})) - THEN
            if unknown:
                raise ValueError(f"'then' has no {sorted(unknown)}, only {sorted(THEN)}")
            world.rules.append(Rule(len(world.rules), body))
            answer = {"rule": len(world.rules) - 1}
        elif what == "rules" and request.method == "DELETE":
            self.release()
            world.rules = []
        elif what == "rules":
            answer = [{**rule.settings, "hits": rule.hits} for rule in world.rules]
        elif what == "release":
            self.release(body.get("rule"))
        elif what == "journal":
            since = int(request.argument("since", 0))
            answer = [entry for entry in world.journal if entry["number"] > since]
        elif what == "calls":
            answer = world.calls
        elif what == "clock":
            world.advanced_s += body["advance_s"]
        elif what == "keys":
            world.keys[body["id"]] = {"account": ACCOUNT, **body}
        elif what == "objects":  # what the S3 API cannot set up: composite checksums, regions of buckets
            bucket = world.buckets.setdefault(body["bucket"], s3.Bucket(body["bucket"], body.get("region", REGION), True))
            for key, change in body.get("objects", {}).items():
                for name, value in change.items():
                    setattr(bucket.objects[key][-1], name, tuple(value) if name == "checksum" else value)
        elif what == "functions":  # as somebody else would change them: state, reason, update …
            for key, function in world.functions.items():
                if key[2] == body["name"]:
                    for name, value in body["set"].items():
                        setattr(function, name, tuple(value) if isinstance(value, list) else value)
        elif what == "reset":
            world.reset()
            self.set_up()
        else:
            return web.Answer(404, b'{"error": "there is no such control"}')
        return web.Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def release(self, number=None):
        for rule in self.world.rules:
            if rule.event and number in (None, rule.number):
                rule.event.set()
                rule.left = 0


def merge(value, change):
    """As a JSON merge patch, with null for a member that is null."""
    if not isinstance(value, dict) or not isinstance(change, dict):
        return change
    return {**value, **{key: merge(value.get(key), one) for key, one in change.items()}}


def write_env(folder, user, port, keys):
    key, secret = f"AKIAFAKE{user.upper()[:12]:0<12}", secrets.token_urlsafe(30)
    keys[key] = {"secret": secret, "account": ACCOUNT, "user": user}
    env = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    path = os.path.join(folder, f"{user}.env")
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.writelines(f"{name}={value}\n" for name, value in env.items())


async def main(port, folder):
    server = Server()
    for user in ("admin", "kubelambda"):
        write_env(folder, user, port, server.world.keys)
    gc.freeze()
    async with await web.listen(server.handle, port, server.world.wall) as listener:
        await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
