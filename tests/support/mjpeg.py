"""A camera on the network: an MJPEG server on loopback that can stall and go away."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

RATE = 1 / 30


class MjpegServer:
    """Serves pictures of one bright shade, 64 by 36."""

    def __init__(self) -> None:
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream.mjpg"

    def start(self) -> None:
        """Opens the port that it had before."""
        self._closed.clear()
        handler = type("Handler", (_Handler,), {"flowing": self._flowing, "closed": self._closed})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Closes every connection and accepts no more."""
        self._closed.set()
        self._flowing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def stall(self) -> None:
        """Keeps connections open and sends nothing more."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def answer(self, status: int) -> None:
        """Answers with this status, and no pictures, from now on."""
        self._server.RequestHandlerClass.status = status  # type: ignore[attr-defined]


class _Handler(BaseHTTPRequestHandler):
    flowing: threading.Event
    closed: threading.Event
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        if self.status != 200:
            self.end_headers()
            return
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        jpeg = cv2.imencode(".jpg", np.full((36, 64, 3), 200, np.uint8))[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        try:
            while not self.closed.wait(RATE):
                self.flowing.wait()
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            return  # the reader has left

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""
