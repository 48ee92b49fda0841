"""What kubelambda costs, beside what it is compared with: the same work, in turn, in one run, so that a ratio
holds whatever the machine and its other work are. Prints tables, writes build/bench.json and pictures beside it.

Run by `make bench`; with names of parts only those. `watches` takes 20 minutes and is run only by its name."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import signal
import tempfile
import time

import pictures
import reviews
import rollout
import scale
import servers
import upload
from harness import BINARY, ROOT, Cluster, FakeAws
from servers import BARE, PEER, shown, spread

HEADLINE = ("2 KB create, mutate", "2 KB create, validate")


class Stage:
    """What all parts need: a real API server, the scripted AWS, certificates, a namespace."""

    def __init__(self, directory, stack, rounds, seconds):
        self.directory, self.stack, self.rounds, self.seconds = directory, stack, rounds, seconds
        self.began = time.monotonic()
        self.cluster = Cluster(directory / "cluster")
        stack.callback(self.cluster.stop)
        self.fake = FakeAws(directory / "aws")
        stack.callback(self.fake.stop)
        self.fake.upload("app/1.zip")
        self.cluster.run("label", "namespace", "default", "kubelambda.io/environment=preview")
        self.certificates = servers.certificate(directory / "certificates")
        self.aws_env = self.fake.env()

    def kubelambda(self, *options, config=None):
        config = config or self.cluster.config("admin")
        server = servers.kubelambda(config, self.aws_env, self.certificates, self.directory, *options)
        self.stack.callback(server.stop)
        return server

    def peer(self, *options):
        server = servers.peer(self.cluster, self.certificates, self.directory, *options)
        self.stack.callback(server.stop)
        return server

    def bare(self):
        server = servers.bare(self.certificates, self.directory)
        self.stack.callback(server.stop)
        return server

    def request(self, path, review, keep=True):
        name = f"{path.strip('/')}-{len(list(self.directory.glob('*.request')))}"
        return servers.request(self.directory, name, "POST", f"{path}?timeout=10s", review, keep)

    def settle(self):
        """Reviews in a namespace younger than a minute ask the API server each time, on purpose."""
        left = 75 - (time.monotonic() - self.began)
        if left > 0:
            say(f"waiting {left:.0f} s until the namespace is old enough to be taken from memory")
            time.sleep(left)


def say(text=""):
    print(text, flush=True)


def in_turn(stage, all_servers, file, allowed, clients, keep=True):
    """A B C, A B C, …: for each server a list of runs; a short run before warms up."""
    runs = {server.name: [] for server in all_servers}
    for server in all_servers:
        servers.measure(server, file, clients, 1, allowed, keep)
    for _ in range(stage.rounds):
        for server in all_servers:
            runs[server.name].append(servers.measure(server, file, clients, stage.seconds, allowed, keep))
    return runs


def ratios(runs, of, to, what):
    """Round by round, since only neighbours in time saw the same machine."""
    return spread([a[what] / b[what] for a, b in zip(runs[of], runs[to], strict=True)])


def summary(runs):
    table = {name: {what: spread([run[what] for run in some]) for what in some[0]} for name, some in runs.items()}
    return {
        "servers": table,
        "per_cpu_s to controller-runtime": ratios(runs, "kubelambda", "controller-runtime", "per_cpu_s"),
        "per_cpu_s to bare": ratios(runs, "kubelambda", "bare", "per_cpu_s"),
        "p99 to controller-runtime": ratios(runs, "kubelambda", "controller-runtime", "p99_us"),
        "memory to controller-runtime": ratios(runs, "kubelambda", "controller-runtime", "rss_kib"),
        "own memory to controller-runtime": ratios(runs, "kubelambda", "controller-runtime", "anon_kib"),
    }


HEAD = f"{'':34}{'reviews per CPU-second':>30}{'× peer':>20}{'× bare':>20}{'p99 × peer':>20}{'memory × peer':>20}{'own × peer':>20}"


def show(name, result):
    costs = "/".join(f"{one['per_cpu_s']['median']:.0f}" for one in result["servers"].values())
    cells = [shown(value) for key, value in result.items() if key not in ("servers", "bytes")]
    say(f"{name:34}{costs:>30}" + "".join(f"{cell:>20}" for cell in cells))


def both(results):
    """What an apply costs: one review of each phase. Rounds are paired by their place."""
    runs = [results[name]["runs"] for name in HEADLINE]
    cost = {
        server: [1 / a["per_cpu_s"] + 1 / b["per_cpu_s"] for a, b in zip(runs[0][server], runs[1][server], strict=True)]
        for server in runs[0]
    }
    return {
        f"per_cpu_s to {other}": spread([b / a for a, b in zip(cost["kubelambda"], cost[other], strict=True)])
        for other in ("controller-runtime", "bare")
    }


def part_reviews(stage):
    """Keep-alive, 16 clients, all kinds of reviews; then 2 KB creates with 1 to 64 clients."""
    all_servers = [stage.kubelambda("--no-controller"), stage.peer(), stage.bare()]
    stage.settle()
    say("\nReviews: kubelambda/controller-runtime/bare, keep-alive, median (least–most) of the rounds' ratios")
    say(HEAD)
    results = {}
    files = {}
    for name, path, review, allowed in reviews.cases():
        files[name] = stage.request(path, review)
        runs = in_turn(stage, all_servers, files[name], allowed, 16)
        results[name] = {**summary(runs), "bytes": len(files[name].read_bytes())}
        show(f"{name}, 16 clients", results[name])
        results[name]["runs"] = runs
    results["2 KB apply: mutate and validate"] = both(results)
    for key, value in results["2 KB apply: mutate and validate"].items():
        say(f"  2 KB create, both phases: {key}: {shown(value)}")
    for clients in (1, 4, 64):
        name = f"{HEADLINE[1]}, {clients} clients"
        results[name] = summary(in_turn(stage, all_servers, files[HEADLINE[1]], True, clients))
        show(name, results[name])
    results["peak memory in KiB"] = {one.name: one.memory_kib("VmHWM") for one in all_servers}
    say(f"  most memory at any time, KiB: {results['peak memory in KiB']}")
    for one in all_servers:
        one.stop()
    return results


def part_connections(stage):
    """A TLS session for each review, as after a restart of the API server."""
    all_servers = [stage.kubelambda("--no-controller"), stage.peer(), stage.bare()]
    stage.settle()
    say("\nThe same with a new TLS connection for each review")
    say(HEAD)
    results = {}
    for name, path, review, allowed in reviews.cases():
        if name == HEADLINE[1]:
            file = stage.request(path, review, keep=False)
            results[name] = summary(in_turn(stage, all_servers, file, allowed, 16, keep=False))
            show(f"{name}, 16 clients", results[name])
    for one in all_servers:
        one.stop()
    return results


def part_start(stage):
    """From exec to the first TLS session, and the binary."""
    all_servers = [stage.kubelambda("--no-controller"), stage.peer(), stage.bare()]
    results = {one.name: {"serving_after_ms": []} for one in all_servers}
    for _ in range(stage.rounds + 2):
        for one in all_servers:
            results[one.name]["serving_after_ms"].append(1000 * one.serving_after_s())
    say("\nStart: ms from exec to the first TLS session; size of the binary")
    for one in all_servers:
        file = {"kubelambda": BINARY, "controller-runtime": PEER, "bare": BARE}[one.name]
        result = results[one.name]
        result["serving_after_ms"] = spread(result["serving_after_ms"])
        result["binary_bytes"] = servers.stripped_bytes(file, stage.directory)
        say(f"{one.name:34}{shown(result['serving_after_ms']):>30}{result['binary_bytes'] / 1e6:10.2f} MB without symbols")
        one.stop()
    return results


# Longer than all the others together.
ONLY_BY_NAME = {"watches"}

PARTS = {
    "start": part_start,
    "reviews": part_reviews,
    "connections": part_connections,
    "apply": scale.part_apply,
    "rollout": rollout.part_rollout,
    "upload": upload.part_upload,
    "scale": scale.part_scale,
    "watches": scale.part_watches,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of: {' '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1, help="of each run")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/bench.json")
    parsed = parser.parse_args()
    unknown = set(parsed.parts) - set(PARTS)
    if unknown:
        parser.error(f"there are no parts {sorted(unknown)}, only {list(PARTS)}")
    if not parsed.parts:
        parsed.parts = [name for name in PARTS if name not in ONLY_BY_NAME]
    return parsed


def main():
    parsed = arguments()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    results = {"machine": {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0]}, "parts": {}}
    with tempfile.TemporaryDirectory(prefix="kubelambda-bench-") as directory, contextlib.ExitStack() as stack:
        stage = Stage(pathlib.Path(directory), stack, parsed.rounds, parsed.seconds)
        for name, part in PARTS.items():
            if name in parsed.parts:
                results["parts"][name] = part(stage)
                parsed.output.write_text(json.dumps(results, indent=1), encoding="utf-8")
    pictures.write(results, parsed.output.parent / "bench")
    say(f"\nwritten to {parsed.output}, pictures to {parsed.output.parent / 'bench'}")


if __name__ == "__main__":
    main()
