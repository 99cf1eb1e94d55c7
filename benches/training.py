"""`make bench-training`: milliseconds a training step of Sakuga and of PyTorch, in turns.

One step is the generator's and the discriminator's: the same networks, losses and optimiser for both. Ratios are to the
faster of PyTorch's two in f32; mixed precision (convolutions of bf16 factors, all else f32) stands beside them.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from report import Report, binary

PEER = Path(__file__).resolve().parent / "peers/stepper.py"


class Stepper:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        word, _, self.version = self.process.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise SystemExit(f"{command} did not start")

    def step(self):
        """Milliseconds, and MiB at most so far."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.version} ended")
        ms, memory = answer.split()
        return float(ms), int(memory)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    words = argparse.ArgumentParser(description=__doc__)
    cases = ["unet_256 64 1 256", "unet_256 64 4 256", "anime 64 4 256", "anime 32 8 128"]
    words.add_argument("--cases", nargs="+", default=cases, help="'MODEL WIDTH BATCH SIDE', WIDTH that of U-Net and PatchGAN")
    words.add_argument("--repeats", type=int, default=15)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--profile", default="release", help="cargo's, of Sakuga")
    args = words.parse_args()
    own = binary("stepper", args.profile)
    title = f"Training: ms a step (ratio to PyTorch's faster in f32), most MiB, {args.threads} threads"
    report = Report("training", title)
    for number, case in enumerate(args.cases):
        rest = [*case.split(), str(args.threads)]
        torch = [sys.executable, PEER, *rest]
        exact = [[*torch], [*torch, "channels-last"]]
        mixed = [[own, *rest, "mixed"], [*torch, "channels-last", "mixed"]]
        steppers = [Stepper(command) for command in [[own, *rest], *exact, *mixed]]
        if number == 0:
            report.table(["model, width, batch, side"] + [stepper.version for stepper in steppers])
        steps = [[stepper.step() for stepper in steppers] for _ in range(args.repeats + 2)]
        took = [statistics.median(ms for ms, _ in each[2:]) for each in zip(*steps)]
        base = min(took[1:3])
        cells = [f"{ms:.0f} ({ms / base:.2f}), {each[-1][1]}" for ms, each in zip(took, zip(*steps))]
        report.row([case.replace(" ", ", "), *cells])
        for stepper in steppers:
            stepper.end()


main()
