"""Services under test: started on a free port, asked for pictures, watched and stopped."""

import itertools
import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from report import FOLDER

MULTIPLES = {"anime": 16}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unlike(jpeg, number):
    """The same picture in a file of its own: a service may answer equal files that it has at the same time once."""
    comment = number.to_bytes(8)
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + jpeg[2:]


class Service:
    """A process, and perhaps its workers, that answers POST /v1/stylize."""

    def __init__(self, command, environment=None, cwd=None):
        self.port, self.asked = free_port(), itertools.count()
        command = [str(word).replace("PORT", str(self.port)) for word in command]
        log = (FOLDER / "service.log").open("a")
        self.process = subprocess.Popen(command, env=os.environ | (environment or {}), cwd=cwd, stdout=log, stderr=log)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=600)
        self.log = log.name

    def ready(self):
        """Waits until it can answer."""
        for _ in range(600):
            try:
                if self.client.get("/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"the service on port {self.port} did not start: see {self.log}")

    def ask(self, photo, **parameters):
        """One answer to a JPEG: its bytes, its stages in ms by name, and its seconds. Busy is asked again."""
        photo = unlike(photo, next(self.asked))
        start = time.perf_counter()
        while True:
            answer = self.client.post("/v1/stylize", params=parameters, files={"image": ("photo.jpg", photo, "image/jpeg")})
            if answer.status_code not in (429, 503):
                break
            time.sleep(float(answer.headers.get("retry-after", 1)))
        answer.raise_for_status()
        stages = re.findall(r"(\w+);dur=([\d.]+)", answer.headers.get("server-timing", ""))
        return answer.content, {name: float(ms) for name, ms in stages}, time.perf_counter() - start

    def rate(self, photo, clients, requests, **parameters):
        """Pictures a second of so many clients, each with so many requests in turn."""
        start = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda _: self.ask(photo, **parameters), range(clients * requests)))
        return clients * requests / (time.perf_counter() - start)

    def peak_megabytes(self):
        """The most memory that it ever held; None where the system does not tell."""
        return self.megabytes("VmHWM")

    def megabytes(self, which="VmRSS"):
        """The memory that it holds; None where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        return next(int(line.split()[1]) // 1024 for line in status.open() if line.startswith(which))

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(60)


def sakuga(executable, threads, model, device="cpu"):
    """`sakuga serve` with the one model."""
    alone = FOLDER / "alone" / model
    (alone / "models").mkdir(parents=True, exist_ok=True)
    if not (alone / "weights").exists():
        (alone / "weights").symlink_to(FOLDER / "weights")
    (alone / f"models/{model}.toml").write_bytes((FOLDER / f"models/{model}.toml").read_bytes())
    return Service([executable, "serve", "--device", device, "--port", "PORT", "--threads", threads, "--models", alone / "models"])


def peer(kind, threads, model, processes):
    """FastAPI under uvicorn, its fast event loop and parser, the cores shared between its processes."""
    words = ["-m", "uvicorn", "service:app", "--port", "PORT", "--workers", processes, "--no-access-log"]
    environment = {
        "PEER": kind,
        "MODEL": model,
        "MULTIPLE": str(MULTIPLES.get(model, 256)),
        "THREADS": str(max(1, threads // processes)),
        "OMP_NUM_THREADS": str(max(1, threads // processes)),
        "FOLDER": str(FOLDER),
    }
    fast = ["--loop", "uvloop", "--http", "httptools"]
    return Service([sys.executable, *words, *fast], environment, cwd=Path(__file__).resolve().parent / "peers")
