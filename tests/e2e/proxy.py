"""A TCP proxy on loopback by which a test comes between kubelambda and a server."""

import contextlib
import socket
import threading
import time

from harness import free_port


class Proxy:
    """Forwards bytes unchanged; a test can switch it off and on, slow it down and point it elsewhere."""

    def __init__(self, target):
        self.port, self.target = free_port(), target
        self.delay = 0  # seconds before a new connection is forwarded
        self.connections = set()
        self.on()

    def on(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def off(self):
        """Nothing listens any more, and what is open is cut."""
        with contextlib.suppress(OSError):  # off already
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        self.listener.close()
        self.cut()

    def cut(self):
        """Ends all connections; new ones are welcome."""
        for one in list(self.connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        with client, contextlib.suppress(OSError):
            time.sleep(self.delay)
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                self.connections |= {client, server}
                up = threading.Thread(target=self.pump, args=(client, server), daemon=True)
                up.start()
                self.pump(server, client)
                up.join()
                self.connections -= {client, server}

    def pump(self, source, sink):
        """Until the source's end; then neither direction is of use."""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
