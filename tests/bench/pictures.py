"""The figures of a run as bars, in SVG, for docs/performance.md: one group of bars for each row, one bar for each
server, with a line from the least to the most of the rounds."""

import html
import json
import pathlib
import sys

COLOURS = {"kubelambda": "#2e7d32", "controller-runtime": "#1565c0", "bare": "#9e9e9e", "no webhooks": "#9e9e9e"}
WIDTH, LABEL, BAR, GAP, TOP = 820, 210, 16, 14, 64


def text(x, y, content, size=12, anchor="start", weight="normal"):
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">'
        f"{html.escape(content)}</text>"
    )


def bar(y, colour, value, scale, shown):
    """The value, and beside it what it is."""
    low, high = (LABEL + value[end] * scale for end in ("least", "most"))
    middle = y + BAR / 2
    yield f'<rect x="{LABEL}" y="{y}" width="{max(value["median"] * scale, 1):.1f}" height="{BAR - 2}" fill="{colour}"/>'
    yield f'<line x1="{low:.1f}" y1="{middle - 1}" x2="{high:.1f}" y2="{middle - 1}" stroke="#222"/>'
    yield text(high + 6, middle + 3, shown, 11)


def draw(title, rows, unit):
    """rows: name to server to {median, least, most}."""
    most = max(value["most"] for row in rows.values() for value in row.values())
    scale = (WIDTH - LABEL - 90) / most
    parts, y = [text(10, 22, title, 15, weight="bold")], TOP
    for i, server in enumerate(dict.fromkeys(server for row in rows.values() for server in row)):
        parts += [f'<rect x="{LABEL + 170 * i}" y="36" width="12" height="12" fill="{COLOURS[server]}"/>', text(LABEL + 170 * i + 18, 46, server)]
    for name, row in rows.items():
        parts.append(text(LABEL - 10, y + len(row) * BAR / 2 + 4, name, anchor="end"))
        for server, value in row.items():
            parts += bar(y, COLOURS[server], value, scale, f"{value['median']:,.{0 if most > 100 else 1}f} {unit}")
            y += BAR
        y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="sans-serif">'
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def scaled(value, factor):
    return {key: one * factor for key, one in value.items()}


def of_reviews(results, what, factor=1, names=None):
    cases = {name: one["servers"] for name, one in results.items() if "servers" in one and (not names or name in names)}
    return {name: {server: scaled(one[what], factor) for server, one in servers.items()} for name, servers in cases.items()}


def pictures(parts):
    """File name and content of what this run can show."""
    if "reviews" in parts:
        reviews = parts["reviews"]
        yield "reviews", draw("Reviews for each second of CPU", of_reviews(reviews, "per_cpu_s"), "")
        yield "latency", draw("99th percentile of the time to an answer, 16 clients and others", of_reviews(reviews, "p99_us", 1e-3), "ms")
        memory = {"with all libraries": "rss_kib", "of its own": "anon_kib"}
        one = next(iter(of_reviews(reviews, "rss_kib")))
        yield "memory", draw("Memory under load", {name: of_reviews(reviews, what, 1 / 1024, [one])[one] for name, what in memory.items()}, "MiB")
    if "apply" in parts:
        rows = {"applies a second": {name: one["per_s"] for name, one in parts["apply"].items()}}
        yield "apply", draw("Server-side dry-run applies through the API server", rows, "")
    if "start" in parts:
        start = parts["start"]
        yield "start", draw("From exec to the first TLS session", {"start": {name: one["serving_after_ms"] for name, one in start.items()}}, "ms")


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pictures(results["parts"]):
        (folder / f"{name}.svg").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), pathlib.Path(sys.argv[2]))
