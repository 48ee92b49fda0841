"""A field is set, changed and removed by kubectl, and AWS follows each time."""

from examples import EXAMPLES, FIXED, REQUIRED, STAYS, declared, seen
from harness import settled


def follows(cluster, aws, serve, namespace, path):
    example = EXAMPLES[path]

    def apply(value, check=True):
        return cluster.apply(declared(namespace, example.beside, {path: value}), check=check)

    def shown():
        name = settled(cluster, "app", namespace)["spec"]["functionName"]
        return example.shown(seen(aws, name, path))

    if example.removed is not FIXED:
        cluster.apply(declared(namespace, {} if example.together else example.beside))
        settled(cluster, "app", namespace)
    apply(example.first)
    assert shown() == example.first

    if example.removed is FIXED:
        refusal = apply(example.second, check=False)
        assert refusal.returncode != 0 and f"spec.{path}" in refusal.stderr
        assert "cannot be changed" in refusal.stderr
        writes = serve.writes()
        apply(None)
        assert shown() == example.first  # what was filled in or declared once stays
        assert serve.writes() == writes
        return

    apply(example.second)
    assert shown() == example.second
    if example.removed is REQUIRED:
        refusal = apply(None, check=False)
        missed = [path, path.partition(".")[0]]  # with its last member an object goes as a whole
        assert refusal.returncode != 0
        assert any(f"spec.{one}: Required value" in refusal.stderr for one in missed), refusal.stderr
        assert shown() == example.second
        return
    if example.together:
        cluster.apply(declared(namespace))
    else:
        apply(None)
    assert shown() == (example.second if example.removed is STAYS else example.removed)
