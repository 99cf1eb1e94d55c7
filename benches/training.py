"""`make bench-training`: milliseconds a training step of Sakuga and of PyTorch, in turns.

One step is the generator's and the discriminator's: the same networks, losses and optimiser for both. On the CPU ratios
are to the faster of PyTorch's two in f32; mixed precision (convolutions of bf16 factors, all else f32) stands beside
them. On a GPU they are to PyTorch's mixed precision, channels last, and the memory is the GPU's.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from report import Report, binary, binary_arguments
from turns import rounds

PEER = Path(__file__).resolve().parent / "peers/stepper.py"


class Stepper:
    """A process that steps; `ready` waits until it can, and tells which it is."""

    def __init__(self, command):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ready(self):
        word, _, version = self.process.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise SystemExit(f"{self.command} did not start")
        return version

    def step(self):
        """Milliseconds, and MiB at most so far."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.command} ended")
        ms, memory, _ = answer.split()
        return float(ms), int(memory)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def taken_of_the_gpu():
    """MiB by process number."""
    command = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return dict(tuple(map(int, line.split(","))) for line in lines)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    cases = ["unet_256 64 1 256", "unet_256 64 4 256", "anime 64 4 256", "anime 32 8 128"]
    words.add_argument("--cases", nargs="+", default=cases, help="'MODEL WIDTH BATCH SIDE', WIDTH that of U-Net and PatchGAN")
    words.add_argument("--repeats", type=int, default=15)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    binary_arguments(words)
    args = words.parse_args()
    cuda = args.device == "cuda"
    own = binary("stepper", args)
    base = "channels last, in bf16 autocast" if cuda else "faster in f32"
    title = f"Training on {args.device}: ms a step (ratio to PyTorch's {base}), most MiB, {args.threads} threads"
    report = Report("training", title)
    for number, case in enumerate(args.cases):
        rest = [*case.split(), str(args.threads), args.device]
        torch = [sys.executable, PEER, *rest]
        exact = [[*torch], [*torch, "channels-last"]]
        mixed = [[own, *rest, "mixed"], [*torch, "channels-last", "mixed"]]
        steppers = [Stepper(command) for command in [[own, *rest], *exact, *mixed]]
        versions = [stepper.ready() for stepper in steppers]
        emulated = versions[3].endswith("emulated")
        if emulated:
            # Where a processor has no bf16, a step of PyTorch's may take a minute.
            for stepper in steppers[3:]:
                stepper.end()
            del steppers[3:], versions[3:]
        if number == 0:
            if emulated:
                report.line("Mixed precision is left out: this processor has no AMX.\n")
            report.table(["model, width, batch, side"] + versions)
        steps = {stepper: [] for stepper in steppers}
        for _, order in zip(range(args.repeats + 2), rounds(steppers)):
            for stepper in order:
                steps[stepper].append(stepper.step())
        took = [statistics.median(ms for ms, _ in each[2:]) for each in steps.values()]
        base = took[4] if cuda else min(took[1:3])
        gpu = taken_of_the_gpu() if cuda else {}
        memory = [gpu.get(stepper.process.pid, each[-1][1]) for stepper, each in steps.items()]
        cells = [f"{ms:.{1 if cuda else 0}f} ({ms / base:.2f}), {mib}" for ms, mib in zip(took, memory)]
        report.row([case.replace(" ", ", "), *cells])
        for stepper in steppers:
            stepper.end()


main()
