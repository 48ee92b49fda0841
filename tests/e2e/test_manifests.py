"""What is installed: the API server takes every manifest, the pods need no privilege, and what names metrics,
AWS actions or conditions names those that there are."""

import json
import os
import re
import subprocess

import pytest
import yaml
from argocd import HEALTH, health
from harness import BINARY, KUBE_BIN, ROOT, function, get_url, settled

MANIFESTS = ROOT / "manifests"
FOREIGN = ("cert-manager.io", "monitoring.coreos.com")  # kinds that a bare API server does not have


def build(folder, components=()):
    """What `kubectl kustomize` makes of it; with components by a kustomization as a user would write it."""
    if components:
        folder.mkdir()
        resources, *rest = [os.path.relpath(MANIFESTS / one, folder) for one in (".", *components)]
        kustomization = {"resources": [resources], "components": rest}
        (folder / "kustomization.yaml").write_text(json.dumps(kustomization), encoding="utf-8")
    done = subprocess.run([KUBE_BIN / "kubectl", "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def find(objects, kind, name="kubelambda"):
    return next(one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)


@pytest.fixture(scope="module")
def base():
    return build(MANIFESTS)


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kustomize") / "all"
    return build(folder, ["components/cert-manager", "components/monitoring"])


def is_foreign(one):
    return one["apiVersion"].split("/")[0] in FOREIGN


def test_the_api_server_takes_every_manifest(cluster, base, everything):
    ours = [one for one in everything if not is_foreign(one)]
    assert len(ours) > len(base) and len(base) >= 16
    # Those of --webhook-url would have a URL beside the service; kubelambda writes them again when it starts.
    for kind in ("mutatingwebhookconfiguration", "validatingwebhookconfiguration"):
        cluster.run("delete", kind, "kubelambda", "--ignore-not-found")
    for objects in (base, ours):
        told = cluster.apply(*objects, flags=["--server-side", "--dry-run=server", "--force-conflicts"])
        assert len(told.stdout.splitlines()) == len(objects), told.stdout
        warned = [one for one in told.stderr.splitlines() if "Warning" in one and "last-applied" not in one]
        assert not warned


def test_what_lies_beside_the_base_is_taken_too(cluster, namespace):
    for path in (*MANIFESTS.glob("policies/*.yaml"), MANIFESTS / "secrets-role.yaml"):
        cluster.run("apply", "--dry-run=server", "-n", namespace, "-f", path)


def test_the_seccomp_component_names_the_profile(tmp_path):
    made = build(tmp_path / "seccomp", ["components/seccomp"])
    pod = next(one for one in made if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    profile = pod["securityContext"]["seccompProfile"]
    assert profile == {"type": "Localhost", "localhostProfile": "kubelambda.json"}
    assert (MANIFESTS / "seccomp" / profile["localhostProfile"]).exists()


def test_the_components_for_others_are_complete(everything):
    foreign = {(one["kind"], one["metadata"]["name"]): one for one in everything if is_foreign(one)}
    assert {kind for kind, _ in foreign} == {"Issuer", "Certificate", "ServiceMonitor", "PrometheusRule"}
    certificate = foreign["Certificate", "kubelambda"]["spec"]
    deployment = find(everything, "Deployment")["spec"]["template"]["spec"]
    assert deployment["volumes"][0]["secret"]["secretName"] == certificate["secretName"]
    assert certificate["dnsNames"][0] == "kubelambda.kubelambda-system.svc"
    assert f"--cert-dir={deployment['containers'][0]['volumeMounts'][0]['mountPath']}" in (
        deployment["containers"][0]["args"]
    )
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        annotations = find(everything, kind)["metadata"]["annotations"]
        assert annotations["cert-manager.io/inject-ca-from"] == "kubelambda-system/kubelambda"
    monitor = foreign["ServiceMonitor", "kubelambda"]["spec"]
    service = find(everything, "Service", "kubelambda-metrics")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_a_pod_of_the_deployment_passes_the_restricted_check(cluster, base):
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "restricted", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        }
    )
    pod = find(base, "Deployment")["spec"]["template"]
    pod |= {"apiVersion": "v1", "kind": "Pod"}
    pod["metadata"] |= {"name": "kubelambda", "namespace": "restricted"}
    cluster.apply(pod, flags=["--dry-run=server"])
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    refused = cluster.apply(pod, flags=["--dry-run=server"], check=False)
    assert "allowPrivilegeEscalation" in refused.stderr  # so the check was really made


def test_the_installed_options_are_options(base):
    arguments = find(base, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    known = subprocess.run([BINARY, "serve", "--help"], capture_output=True, text=True)
    for one in arguments[1:]:
        assert f"  {one.split('=')[0]} " in known.stdout, one


def test_the_installed_configurations_are_those_of_a_url(cluster, serve, base):
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        written, installed = cluster.get(kind, "kubelambda")["webhooks"], find(base, kind)["webhooks"]
        assert len(written) == len(installed) == 1
        client = installed[0].pop("clientConfig")
        assert set(client) == {"service"}
        assert installed[0].items() <= written[0].items()
        assert written[0]["clientConfig"]["url"].endswith(client["service"]["path"])


def expressions():
    for group in yaml.safe_load((MANIFESTS / "components/monitoring/alerts.yaml").read_text())["spec"]["groups"]:
        yield from ((one["alert"], one["expr"]) for one in group["rules"])
    dashboard = json.loads((MANIFESTS / "components/monitoring/dashboard.json").read_text())
    yield from ((one["title"], target["expr"]) for one in dashboard["panels"] for target in one["targets"])


def test_alerts_and_dashboard_name_only_metrics_and_labels_that_there_are(cluster, serve, namespace):
    cluster.apply(function("measured", namespace))
    settled(cluster, "measured", namespace)
    text = get_url(f"http://127.0.0.1:{serve.metrics}/metrics")[1]
    there = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, labels = line.split(" ")[0].partition("{")
            there.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    # What Prometheus itself adds.
    there["up"] = set()
    prometheus = {"job", "pod"}
    told = set()
    for title, expression in expressions():
        names = re.findall(r"\b[a-z]\w*_\w+\b(?!\s*\()|\bup\b", re.sub(r'"[^"]*"|\$__\w+', "", expression))
        assert names, title
        for name in names:
            assert name in there, f"{title}: there is no {name}"
            told.add(name)
        labels = {label for by in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r",\s*", by)}
        labels |= set(re.findall(r"(\w+)=~?\"", expression))
        allowed = prometheus.union(*(there[name] for name in names))
        assert labels <= allowed, f"{title}: {labels - allowed}"
    assert len(told) > 10


def test_every_metric_is_documented_with_its_labels(cluster, serve, namespace):
    cluster.apply(function("measured", namespace))
    settled(cluster, "measured", namespace)
    text = get_url(f"http://127.0.0.1:{serve.metrics}/metrics")[1]
    told = {}
    for row in re.findall(r"^\| (`.+?`) \| (.*?) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE):
        told |= dict.fromkeys(re.findall(r"`(\w+)`", row[0]), set(re.findall(r"`(\w+)`", row[1])))
    families = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    assert families == set(told)
    for name, labels in re.findall(r"^(\w+)\{(.*?)\} ", text, re.MULTILINE):
        family = name if name in families else name.rsplit("_", 1)[0]
        assert set(re.findall(r'(\w+)="', labels)) - {"le"} == told[family], name


def test_each_change_of_aws_is_one_line_of_the_log_with_what_and_why(cluster, serve, namespace):
    cluster.apply(function("told", namespace))
    settled(cluster, "told", namespace)
    cluster.apply(function("told", namespace, memorySize=512))
    settled(cluster, "told", namespace)
    cluster.run("delete", "lambdafunction", "told", "-n", namespace)
    lines = [json.loads(line) for line in serve.log().splitlines() if f"{namespace}/told" in line]
    assert [(one["operation"], one["why"]) for one in lines if one["msg"] == "AWS was changed"] == [
        ("CreateFunction", "the spec is not in force"),
        ("UpdateFunctionConfiguration", "the spec is not in force"),
        ("DeleteFunction", "the resource is deleted"),
    ]


def test_every_alert_is_explained():
    operating = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    for title, _ in expressions():
        assert not title.startswith("Kubelambda") or f"`{title}`" in operating, title


def test_the_iam_policy_allows_every_call_and_says_why():
    statements = json.loads((MANIFESTS / "iam-policy.json").read_text())["Statement"]
    allowed = {action for one in statements for action in one["Action"]}
    source = (ROOT / "common/aws/lambda.c").read_text(encoding="utf-8")
    calls = {f"lambda:{name}" for name in re.findall(r'\] = \{"(\w+)", "(?:GET|PUT|POST|DELETE|PATCH)"', source)}
    assert len(calls) >= 18
    assert calls <= allowed, calls - allowed
    operating = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    for action in allowed:
        assert action.split(":")[1] in operating, action


def cases():
    return yaml.safe_load((HEALTH / "health_test.yaml").read_text(encoding="utf-8"))["tests"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["inputPath"].split("/")[1].split(".")[0])
def test_argo_cd_sees_the_health(case):
    source = yaml.safe_load((HEALTH / case["inputPath"]).read_text(encoding="utf-8"))
    assert dict(zip(("status", "message"), health(source), strict=True)) == case["healthStatus"]
