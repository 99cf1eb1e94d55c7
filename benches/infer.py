"""`make bench`, the first part: milliseconds a picture of each runtime, in turns.

All runtimes are loaded at once, each in a process of its own, and draw one after the other, round by
round in another order, so that whatever else the machine does meets all of them, and whatever caches the
one before has left. Only one computes at a time.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from report import FOLDER, Report, binary, binary_arguments
from turns import rounds

# By device: Sakuga's precisions, the peers, whose time all ratios are to, and whose values all are compared with.
DEVICES = {
    "cpu": (["f32", "auto"], ["ort", "openvino-f32", "openvino", "torch"], "ort", "torch"),
    "cuda": (["bf16"], ["cuda-compiled", "cuda", "cuda-f32"], "cuda-compiled", "cuda-f32"),
}
# Below this a picture differs visibly from PyTorch's, dB. One value may be off by more: a norm over the picture
# multiplies what 16 bits round away. On the GPU PyTorch itself draws in bf16, with less care.
LEAST_PSNR = {"cpu": 45, "cuda": 30}


class Worker:
    """A process that draws; `ready` waits until it can, and tells which it is."""

    def __init__(self, command):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ready(self):
        word, _, version = self.process.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise SystemExit(f"{self.command} did not start")
        return version

    def draw(self, batch, side, file=None):
        """Milliseconds for the batch."""
        self.process.stdin.write(f"{batch} {side} {file}\n" if file else f"{batch} {side}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.command} ended")
        return float(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def differences(workers, batch, side, reference, least):
    """How far a runtime's values are from the reference's: the largest difference, and the PSNR in dB."""
    drawn = {}
    for name, worker in workers.items():
        file = FOLDER / "drawn.f32"
        worker.draw(batch, side, file)
        drawn[name] = np.fromfile(file, np.float32)
        file.unlink()
    off = {name: values - drawn[reference] for name, values in drawn.items()}
    psnr = {name: -10 * np.log10(np.mean(np.square(values, dtype=np.float64)) / 4 + 1e-20) for name, values in off.items()}
    if not min(psnr.values()) >= least:
        raise SystemExit(f"the runtimes draw different pictures (PSNR, dB): {psnr}")
    return {name: f"±{np.abs(values).max():.0e}, {psnr[name]:.0f} dB" for name, values in off.items()}


def measure(workers, batch, side, repeats):
    times = {name: [] for name in workers}
    for turn, order in zip(range(-1, repeats), rounds(list(workers))):  # the comparison was the other warm-up
        for name in order:
            ms = workers[name].draw(batch, side)
            if turn >= 0:
                times[name].append(ms)
    return {name: statistics.median(values) for name, values in times.items()}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    models = ["unet_256-64", "unet_256-32", "unet_256-instance", "resnet_9blocks", "resnet_9blocks-instance", "anime"]
    words.add_argument("--models", nargs="+", default=models)
    words.add_argument("--cases", nargs="+", default=["256x1", "256x8", "512x1", "512x8", "1024x1"], help="SIDExBATCH")
    words.add_argument("--device", default="cpu", choices=DEVICES)
    words.add_argument("--repeats", type=int, default=15)
    words.add_argument("--threads", type=int, default=2)
    binary_arguments(words)
    args = words.parse_args()
    own = binary("worker", args)
    peer = Path(__file__).resolve().parent / "peers/worker.py"
    digits = 1 if args.device == "cpu" else 3
    precisions, peers, base, reference = DEVICES[args.device]
    report = Report("infer", f"Inference on {args.device}: ms a picture (ratio to {base}), {args.threads} threads")
    for model in args.models:
        rest = [str(args.threads), str(FOLDER)]
        workers = {f"sakuga-{precision}": Worker([own, model, precision, *rest, args.device]) for precision in precisions}
        workers |= {kind: Worker([sys.executable, peer, kind, model, *rest]) for kind in peers}
        report.table([model] + [worker.ready() for worker in workers.values()])
        for case in args.cases:
            side, batch = map(int, case.split("x"))
            off = differences(workers, batch, side, reference, LEAST_PSNR[args.device])
            took = measure(workers, batch, side, args.repeats)
            cells = [f"{took[name] / batch:.{digits}f} ({took[name] / took[base]:.2f}), {off[name]}" for name in workers]
            report.row([f"{side} px, batch {batch}", *cells])
        for worker in workers.values():
            worker.end()
    report.line("\n± is the largest difference from PyTorch in f32 of any value in −1..1, dB the PSNR.")


main()
