"""Stands between kubelambda and its two peers, AWS and the API server, and can keep a certain request or its
answer: where a crash hurts."""

import asyncio
import collections
import contextlib
import re
import threading

from harness import free_port, trusting

READ_BYTES = 65536
# What is about one function: its key to group them, in the first line or the body of a request.
ABOUT = {
    "kube": re.compile(rb"PATCH [^ ]*/lambdafunctions/([a-z0-9-]+)"),
    "aws": re.compile(rb"preview-([a-z0-9-]+)"),
}


class Gate:
    """Numbers the requests about each function. `stops` maps a function to the number of the request that
    does not arrive, or with `lose="answer"` arrives and is answered in vain; nothing follows on that
    connection. The functions that it happened to are in `stopped`, all numbers in `counts`."""

    def __init__(self):
        self.open()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self):
        """Everything passes and is counted anew."""
        self.close({}, None)

    def close(self, stops, lose):
        self.counts, self.stopped = collections.Counter(), set()
        self.stops, self.lose = stops, lose

    def listen(self, peer, port, authority=None):
        """A new port that leads to that one of `peer`, "aws" or "kube"; over TLS where an authority is given."""
        listening = free_port()
        trust = trusting(authority) if authority else None

        async def relay(reader, writer):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                server = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
                await Connection(self, ABOUT[peer], (reader, writer), server).run()
            writer.close()

        start = asyncio.start_server(relay, "127.0.0.1", listening)
        asyncio.run_coroutine_threadsafe(start, self.loop).result()
        return listening

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


class Connection:
    """One connection of HTTP/1.1, a request at a time."""

    def __init__(self, gate, about, client, server):
        self.gate, self.about = gate, about
        (self.client, self.to_client), (self.server, self.to_server) = client, server
        self.kept = None  # whose answer goes nowhere

    async def run(self):
        answers = asyncio.ensure_future(self.pass_answers())
        try:
            while True:
                request = await self.read_request()
                name = self.stops(request)
                if name and self.gate.lose == "request":
                    self.gate.stopped.add(name)
                    await self.client.read()  # until kubelambda is gone
                    return
                self.kept = name
                self.to_server.write(request)
        finally:
            answers.cancel()
            self.to_server.close()

    async def read_request(self):
        head = await self.client.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        return head + (await self.client.readexactly(int(length[1])) if length else b"")

    def stops(self, request):
        """The function that it is about, when it is the one to be stopped."""
        found = self.about.search(request)
        name = found and found[1].decode()
        if name:
            self.gate.counts[name] += 1
        return name if name and self.gate.stops.get(name) == self.gate.counts[name] else None

    async def pass_answers(self):
        with contextlib.suppress(OSError):
            while piece := await self.server.read(READ_BYTES):
                if self.kept:
                    self.gate.stopped.add(self.kept)
                    return
                self.to_client.write(piece)
        self.to_client.close()
