"""Where the benchmarks write: the terminal, and target/bench/report.md."""

import datetime
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "target/bench"


def binary_arguments(words):
    """What every benchmark is told about Sakuga's binaries."""
    words.add_argument("--profile", default="release", help="cargo's, of Sakuga")
    words.add_argument("--features", default="", help="cargo's, of Sakuga: cuda")
    words.add_argument("--binaries", type=Path, help="a folder with sakuga, worker and stepper, built elsewhere")


def binary(name, args):
    """Builds `sakuga` and its peers' counterparts, always all so that none is built twice, and tells where one lies."""
    if args.binaries:
        return args.binaries / name
    command = ["cargo", "build", "--locked", "--profile", args.profile, "--features", args.features, "--bin", "sakuga"]
    command += ["--bench", "worker", "--bench", "stepper"]
    command += ["--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = map(json.loads, filter(None, built.splitlines()))
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == name)


def machine():
    """The processor's name and how many of it there are."""
    name = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        name = next((line.split(":")[1].strip() for line in info.open() if line.startswith("model name")), name)
    return ", ".join([name, f"{os.cpu_count()} cores", *gpus()])


def gpus():
    """The names of the GPUs that there are."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.split("\n")[:-1]


class Report:
    """A section of the report; an earlier one of the same name is replaced."""

    def __init__(self, name, title):
        self.file = FOLDER / f"{name}.md"
        self.file.write_text("")
        self.line(f"## {title}\n")
        now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
        self.line(f"{machine()}; {now}; `{' '.join(['python', *sys.argv])}`\n".replace(f"{ROOT}/", ""))

    def line(self, text=""):
        print(text, flush=True)
        with self.file.open("a") as file:
            print(text, file=file)
        sections = (FOLDER / f"{name}.md" for name in ("infer", "training", "service", "scale", "soak"))
        (FOLDER / "report.md").write_text("\n".join(part.read_text() for part in sections if part.exists()))

    def row(self, cells):
        self.line("| " + " | ".join(str(cell) for cell in cells) + " |")

    def table(self, head):
        self.line()
        self.row(head)
        self.row(["---"] * len(head))
