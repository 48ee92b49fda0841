"""HTTP/1.1 on a raw asyncio protocol: keep-alive, bodies by Content-Length or chunked, one request at a
time on a connection, answers that are late, slow or cut."""

import asyncio
import email.utils
import time
import urllib.parse

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently",
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    412: "Precondition Failed", 413: "Payload Too Large", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip
HEAD_MAX, BODY_MAX = 64 << 10, 80 << 20


class Request:
    __slots__ = ("body", "headers", "method", "path", "query", "raw_query")

    def __init__(self, method, target, headers, body):
        self.method = method
        self.path, _, self.raw_query = target.partition("?")  # as sent
        self.headers = headers  # names in lower case
        self.body = body
        self.query = [
            (urllib.parse.unquote(name), urllib.parse.unquote(value))
            for name, _, value in (part.partition("=") for part in self.raw_query.split("&") if part)
        ]

    def argument(self, name, default=None):
        return next((value for key, value in self.query if key == name), default)

    def has(self, name):
        return any(key == name for key, _ in self.query)


class Answer:
    """`delay` in seconds before it, `hold` an Event to wait for; `slow` seconds for the body; `cut` after
    so many bytes of it (0: nothing at all is answered)."""

    __slots__ = ("body", "cut", "delay", "headers", "hold", "slow", "status")

    def __init__(self, status, body=b"", headers=None):
        self.status, self.body, self.headers = status, body, headers or {}
        self.delay, self.slow, self.cut, self.hold = 0, 0, None, None


class Connection(asyncio.Protocol):
    def __init__(self, handle, wall):
        self.handle, self.wall = handle, wall  # handle(Request) -> Answer, at once
        self.buffer, self.transport, self.busy, self.continued = bytearray(), None, None, False

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if self.busy:
            self.busy.cancel()

    def data_received(self, data):
        self.buffer += data
        if not self.busy:
            self.serve()

    def serve(self):
        while not self.busy and not self.transport.is_closing():
            try:
                request = self.take_request()
            except (ValueError, UnicodeDecodeError):
                self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                self.transport.close()
                return
            if not request:
                return
            answer = self.handle(request)
            if answer.delay or answer.hold or answer.slow or answer.cut is not None:
                self.busy = asyncio.ensure_future(self.send_badly(request, answer))
            else:
                self.transport.write(self.head(answer) + (b"" if request.method == "HEAD" else answer.body))

    def take_request(self):
        """The next whole request, or None."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_MAX:
                raise ValueError("the head is too long")
            return None
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers[name] = f"{headers[name]},{value.strip()}" if name in headers else value.strip()
        taken = self.take_body(end + 4, headers)
        if taken is None:
            if "expect" in headers and not self.continued:
                self.continued = True
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body, used = taken
        del self.buffer[:used]
        self.continued = False
        return Request(method, target, headers, body)

    def take_body(self, start, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body, place = bytearray(), start
            while (line := self.buffer.find(b"\r\n", place)) >= 0:
                size = int(self.buffer[place:line].split(b";")[0], 16)
                if len(self.buffer) < line + size + 4 or len(body) > BODY_MAX:
                    return None
                body += self.buffer[line + 2 : line + 2 + size]
                place = line + size + 4
                if size == 0:
                    return bytes(body), place
            return None
        size = int(headers.get("content-length", 0))
        if size > BODY_MAX or size < 0:
            raise ValueError("the body is too long")
        if len(self.buffer) < start + size:
            return None
        return bytes(self.buffer[start : start + size]), start + size

    def head(self, answer):
        headers = {"Date": email.utils.formatdate(self.wall(), usegmt=True), **answer.headers}
        if answer.status != 204:
            headers.setdefault("Content-Length", len(answer.body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        reason = REASONS.get(answer.status, "Unknown")
        return f"HTTP/1.1 {answer.status} {reason}\r\n{lines}\r\n".encode("latin-1")

    async def send_badly(self, request, answer):
        try:
            if answer.delay:
                await asyncio.sleep(answer.delay)
            if answer.hold:
                await answer.hold.wait()
            data = self.head(answer)
            body = b"" if request.method == "HEAD" else answer.body
            if answer.cut is not None:
                if answer.cut > 0:
                    self.transport.write((data + body)[: answer.cut])
                self.transport.close()
                return
            self.transport.write(data)
            pieces = 20 if answer.slow else 1
            step = -(-len(body) // pieces) or 1
            for place in range(0, len(body), step):
                if answer.slow:
                    await asyncio.sleep(answer.slow / pieces)
                self.transport.write(body[place : place + step])
        finally:
            self.busy = None
        self.serve()


async def listen(handle, port, wall=time.time):
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(handle, wall), "127.0.0.1", port)
