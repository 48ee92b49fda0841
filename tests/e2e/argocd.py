"""What GitOps tools make of a resource: Argo CD's health script, run by a real Lua, and kstatus, which Flux uses."""

import json
import subprocess

from harness import ROOT, conditions

HEALTH = ROOT / "manifests/argocd/resource_customizations/kubelambda.io/LambdaFunction"


def lua(value):
    """The value as a Lua expression."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(key)}] = {lua(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, int)) else "nil"


def health(resource):
    """(status, message) by the script, which has, as in Argo CD, the basic library and that of tables, and nothing
    that reaches outside."""
    program = f"""
        local environment = {{ipairs = ipairs, pairs = pairs, type = type, table = table, obj = {lua(resource)}}}
        local check = assert(loadfile({json.dumps(str(HEALTH / "health.lua"))}, "t", environment))
        local health = check()
        print(health.status)
        print(health.message)
    """
    done = subprocess.run(["lua5.3", "-"], input=program, capture_output=True, text=True, timeout=5)
    assert done.returncode == 0, done.stderr
    status, message = done.stdout.splitlines()
    return status, message


def kstatus(resource):
    """As sigs.k8s.io/cli-utils/pkg/kstatus computes it for a kind that it does not know."""
    if "deletionTimestamp" in resource["metadata"]:
        return "Terminating"
    status = resource.get("status", {})
    if status.get("observedGeneration", resource["metadata"]["generation"]) != resource["metadata"]["generation"]:
        return "InProgress"
    found = conditions(resource)
    if found.get("Reconciling", ("",))[0] == "True":
        return "InProgress"
    if found.get("Stalled", ("",))[0] == "True":
        return "Failed"
    return "InProgress" if found.get("Ready", ("True",))[0] != "True" else "Current"
