"""`make soak`: a service at its limit for half an hour, with good, bad and abandoned requests.

It ends with an error when an answer is not what it should be, when a picture cannot be opened, when an admitted
request waits longer than the queue can take, or when memory does not come back to its level.
"""

import argparse
import collections
import io
import random
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

import httpx
from PIL import Image
from report import Report, binary, binary_arguments
from services import sakuga

sys.path.append(str(Path(__file__).resolve().parent / "peers"))
from picture import picture  # noqa: E402

STYLES = ["cel", "gouache", "luminous", "ink", "cel:0.5,gouache:0.5"]
# What a good request may be answered instead of a picture.
BUSY = {429, 503}


def encoded(side, format):
    out = io.BytesIO()
    Image.fromarray(picture(side, side * 3 // 4, side)).save(out, format)
    return out.getvalue()


class Crowd:
    """What its clients share: photos to send, and what came back."""

    def __init__(self, service, end):
        self.service, self.end = service, end
        self.photos = [encoded(side, kind) for side in (64, 200, 500, 1100) for kind in ("JPEG", "PNG", "WEBP")]
        whole = self.photos[0]
        header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\2\0\0\0"
        # Bodies and parameters.
        self.faults = [(whole[: len(whole) // 2], {}), (b"no picture at all", {}), (b"", {}), (header, {}), (whole, {"strength": "7"})]
        self.lock, self.seconds, self.infer = threading.Lock(), [], []
        self.answers, self.wrong = collections.Counter(), []

    def client(self, seed):
        chance = random.Random(seed)
        with httpx.Client(base_url=f"http://127.0.0.1:{self.service.port}", timeout=600) as client:
            while time.monotonic() < self.end:
                kind = chance.choices(["good", "bad", "abandoned"], [60, 25, 15])[0]
                try:
                    getattr(self, kind)(client, chance)
                except Exception as error:  # whatever it is, the service should not have caused it
                    self.note(kind, repr(error), False)

    def note(self, kind, status, fine):
        with self.lock:
            self.answers[kind, status] += 1
            if not fine:
                self.wrong.append((kind, status))

    def good(self, client, chance):
        start = time.monotonic()
        format = chance.choice(["png", "jpeg", "webp"])
        parameters = {"style": chance.choice(STYLES), "format": format, "strength": chance.choice([0.4, 1])}
        answer = client.post("/v1/stylize", params=parameters, content=chance.choice(self.photos))
        took = time.monotonic() - start
        if answer.status_code == 200:
            drawn = Image.open(io.BytesIO(answer.content))
            drawn.load()
            self.note("good", 200, drawn.format == format.upper())
            stages = dict(part.strip().split(";dur=") for part in answer.headers["server-timing"].split(","))
            with self.lock:
                self.seconds.append(took)
                self.infer.append(float(stages["infer"]) / 1e3)
        else:
            self.note("good", answer.status_code, answer.status_code in BUSY)
            time.sleep(chance.uniform(0, 0.2))

    def bad(self, client, chance):
        body, parameters = chance.choice(self.faults)
        answer = client.post("/v1/stylize", params=parameters, content=body)
        problem = answer.headers["content-type"] == "application/problem+json"
        self.note("bad", answer.status_code, problem and (400 <= answer.status_code < 500 or answer.status_code == 503))

    def abandoned(self, client, chance):
        body = chance.choice(self.photos)
        with socket.create_connection(("127.0.0.1", self.service.port)) as connection:
            head = f"POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[: chance.randrange(len(body) + 1)])
            time.sleep(chance.uniform(0, 0.3))
        self.note("abandoned", "", True)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=30)
    words.add_argument("--clients", type=int, default=96)
    words.add_argument("--threads", type=int, default=2)
    binary_arguments(words)
    args = words.parse_args()
    service = sakuga(binary("sakuga", args), args.threads, "anime").ready()
    start = time.monotonic()
    crowd = Crowd(service, start + 60 * args.minutes)
    clients = [threading.Thread(target=crowd.client, args=(seed,)) for seed in range(args.clients)]
    [client.start() for client in clients]
    memory = []
    while any(client.is_alive() for client in clients):
        time.sleep(5)
        memory.append(service.megabytes())
    report = Report("soak", f"{args.minutes:g} minutes, {args.clients} clients, {args.threads} threads")
    report.table(["requests", "answer", "count"])
    for (kind, status), count in sorted(crowd.answers.items(), key=str):
        report.row([kind, status or "–", count])
    tenth = max(1, len(memory) // 10)
    early, late = statistics.mean(memory[tenth : 2 * tenth]), statistics.mean(memory[-tenth:])
    seconds = sorted(crowd.seconds)
    at = lambda share: seconds[min(len(seconds) - 1, int(share * len(seconds)))]
    # 64 may wait, one is drawn, one is being read; and one that is read and one that is written at the end.
    bound = 68 * max(crowd.infer)
    report.line(f"\nSeconds of admitted requests: p50 {at(0.5):.2f}, p99 {at(0.99):.2f}, longest {seconds[-1]:.2f}.")
    report.line(f"The longest drawing took {max(crowd.infer):.2f} s: 68 of them are {bound:.1f} s.")
    report.line(f"Memory: {early:.0f} MB after a tenth of the time, {late:.0f} MB in the last tenth.")
    service.stop()
    if crowd.wrong:
        raise SystemExit(f"wrong answers: {collections.Counter(crowd.wrong)}")
    if seconds[-1] > bound:
        raise SystemExit("an admitted request waited longer than the queue takes")
    if late > 1.1 * early:
        raise SystemExit("memory grows")


main()
