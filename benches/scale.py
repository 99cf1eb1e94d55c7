"""`make bench-scale`: what `sakuga serve` takes as pictures and crowds grow; a fresh service a row."""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from report import FOLDER, Report, binary, binary_arguments
from services import sakuga

sys.path.append(str(Path(__file__).resolve().parent / "peers"))
from picture import picture  # noqa: E402


def photo(side):
    """A JPEG with sides in 8:5.8: at 8192 px just under the 50 megapixels that the service takes."""
    out = io.BytesIO()
    Image.fromarray(picture(side, side * 58 // 80, 0)).save(out, "JPEG", quality=85)
    return out.getvalue()


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--model", default="anime")
    words.add_argument("--sides", nargs="*", type=int, default=[256, 512, 1024, 2048, 4096, 8192])
    words.add_argument("--clients", nargs="*", type=int, default=[1, 2, 4, 8, 16, 32, 64])
    words.add_argument("--client-side", type=int, default=1024)
    words.add_argument("--threads", type=int, default=2)
    binary_arguments(words)
    args = words.parse_args()
    executable = binary("sakuga", args)
    report = Report("scale", f"Growth: {args.model}, {args.threads} threads")
    report.table(["longest side", "megapixels", "s", "s a megapixel", "peak memory, MB"])
    for side in args.sides:
        service, sent = sakuga(executable, args.threads, args.model).ready(), photo(side)
        seconds = min(service.ask(sent, max_side=side)[2] for _ in range(2))
        mega = side * (side * 58 // 80) / 1e6
        report.row([side, f"{mega:.2f}", f"{seconds:.2f}", f"{seconds / mega:.2f}", service.peak_megabytes()])
        service.stop()
    report.table([f"clients, {args.client_side} px", "s", "s a picture", "peak memory, MB"])
    sent = photo(args.client_side)
    for clients in args.clients:
        service = sakuga(executable, args.threads, args.model).ready()
        seconds = clients / service.rate(sent, clients, 1, max_side=args.client_side)
        report.row([clients, f"{seconds:.2f}", f"{seconds / clients:.2f}", service.peak_megabytes()])
        service.stop()


main()
