"""`make bench`, the second part: a photo of twelve megapixels posted and answered, Sakuga beside FastAPI.

Every service is up all the time and is asked in turns, in changing order. The peers run once as one process with all
threads, once as a process a thread, which uvicorn's documentation advises: the better counts.
"""

import argparse
import statistics

from report import FOLDER, Report, binary, binary_arguments
from services import peer, sakuga
from turns import rounds


# By device: what is around FastAPI.
PEERS = {"cpu": {"PyTorch": "torch", "ONNX Runtime": "ort"}, "cuda": {"PyTorch": "cuda"}}


def ask_alone(services, photo, repeats, max_side):
    """Answers to one client, asked of the services in turns: of each the seconds and the stages, but for its first."""
    answers = {name: [] for name in services}
    for _, order in zip(range(repeats + 1), rounds(list(services))):
        for name in order:
            answers[name].append(services[name].ask(photo, max_side=max_side)[1:])
    return {name: each[1:] for name, each in answers.items()}


def stages(answers):
    """Medians of answers: whole, decode, infer, encode, in ms."""
    names = ("decode", "infer", "encode")
    parts = [statistics.median(parts.get(name, float("nan")) for parts, _ in answers) for name in names]
    return [1e3 * statistics.median(whole for _, whole in answers), *parts]


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--models", nargs="+", default=["anime", "unet_256-32"])
    words.add_argument("--max-side", type=int, default=1536)
    words.add_argument("--repeats", type=int, default=5, help="answers to one client; rounds of many")
    words.add_argument("--clients", type=int, default=4)
    words.add_argument("--requests", type=int, default=3, help="a client and round")
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--processes", type=int, nargs="+", help="of each peer in turn; else one, and one a thread")
    words.add_argument("--device", default="cpu", choices=PEERS)
    binary_arguments(words)
    args = words.parse_args()
    executable = binary("sakuga", args)
    photo = (FOLDER / "photo.jpg").read_bytes()
    title = f"Service: a JPEG of 12 megapixels answered at {args.max_side} px on {args.device}, {args.threads} threads"
    report = Report("service", title)
    for model in args.models:
        services = {"Sakuga": sakuga(executable, args.threads, model, args.device)}
        for name, kind in PEERS[args.device].items():
            for processes in args.processes or sorted({1, args.threads}):
                label = f"FastAPI + {name}, {processes} process{'es' if processes > 1 else ''}"
                services[label] = peer(kind, args.threads, model, processes)
        for service in services.values():
            service.ready()
        answers = ask_alone(services, photo, args.repeats, args.max_side)
        alone = {name: stages(each) for name, each in answers.items()}
        rates = {name: [] for name in services}
        for _, order in zip(range(args.repeats), rounds(list(services))):
            for name in order:
                rates[name].append(services[name].rate(photo, args.clients, args.requests, max_side=args.max_side))
        rates = {name: statistics.median(values) for name, values in rates.items()}
        head = [model, "ms", "decode", "infer", "encode", "all but infer", f"pictures/s, {args.clients} clients", "Sakuga's ratio"]
        report.table(head)
        for name, (whole, decode, infer, encode) in alone.items():
            cells = [f"{ms:.0f}" for ms in (whole, decode, infer, encode)] + [f"{1 - infer / whole:.0%}"]
            report.row([name, *cells, f"{rates[name]:.2f}", f"{rates['Sakuga'] / rates[name]:.2f}"])
        for service in services.values():
            service.stop()


main()
