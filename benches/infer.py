"""`make bench`, the first part: milliseconds a picture of each runtime, in turns.

All runtimes are loaded at once, each in a process of its own, and draw one after the other, round and
round, so that whatever else the machine does meets all of them. Only one computes at a time.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from report import FOLDER, Report, binary

PEERS = ["ort", "openvino-f32", "openvino", "torch"]
BASE = "ort"
# Below this a picture differs visibly from PyTorch's, dB. One value may be off by more: a norm over the picture
# multiplies what 16 bits round away.
LEAST_PSNR = 45


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        word, _, self.version = self.process.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise SystemExit(f"{command} did not start")

    def draw(self, batch, side, file=None):
        """Milliseconds for the batch."""
        self.process.stdin.write(f"{batch} {side} {file}\n" if file else f"{batch} {side}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.version} ended")
        return float(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def error(workers, batch, side):
    """The largest difference of any value from PyTorch's, a runtime."""
    drawn = {}
    for name, worker in workers.items():
        file = FOLDER / "drawn.f32"
        worker.draw(batch, side, file)
        drawn[name] = np.fromfile(file, np.float32)
        file.unlink()
    off = {name: values - drawn["torch"] for name, values in drawn.items()}
    psnr = {name: -10 * np.log10(np.mean(np.square(values, dtype=np.float64)) / 4 + 1e-20) for name, values in off.items()}
    if not min(psnr.values()) >= LEAST_PSNR:
        raise SystemExit(f"the runtimes draw different pictures (PSNR, dB): {psnr}")
    return {name: float(np.abs(values).max()) for name, values in off.items()}


def measure(workers, batch, side, repeats):
    times = {name: [] for name in workers}
    for turn in range(-1, repeats):  # the comparison was the other warm-up
        for name, worker in workers.items():
            ms = worker.draw(batch, side)
            if turn >= 0:
                times[name].append(ms)
    return {name: statistics.median(values) for name, values in times.items()}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    models = ["unet_256-64", "unet_256-32", "unet_256-instance", "resnet_9blocks", "resnet_9blocks-instance", "anime"]
    words.add_argument("--models", nargs="+", default=models)
    words.add_argument("--cases", nargs="+", default=["256x1", "256x8", "512x1", "512x8", "1024x1"], help="SIDExBATCH")
    words.add_argument("--repeats", type=int, default=15)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--profile", default="release", help="cargo's, of Sakuga")
    args = words.parse_args()
    own = binary("worker", args.profile)
    peer = Path(__file__).resolve().parent / "peers/worker.py"
    report = Report("infer", f"Inference: ms a picture (ratio to ONNX Runtime), {args.threads} threads")
    for model in args.models:
        rest = [str(args.threads), str(FOLDER)]
        workers = {f"sakuga-{precision}": Worker([own, model, precision, *rest]) for precision in ["f32", "auto"]}
        workers |= {kind: Worker([sys.executable, peer, kind, model, *rest]) for kind in PEERS}
        report.table([model] + [worker.version for worker in workers.values()])
        for case in args.cases:
            side, batch = map(int, case.split("x"))
            off = error(workers, batch, side)
            took = measure(workers, batch, side, args.repeats)
            cells = [f"{took[name] / batch:.1f} ({took[name] / took[BASE]:.2f}), ±{off[name]:.0e}" for name in workers]
            report.row([f"{side} px, batch {batch}", *cells])
        for worker in workers.values():
            worker.end()
    report.line("\n± is the largest difference from PyTorch of any value in −1..1.")


main()
