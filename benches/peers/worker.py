"""The peers' side of `make bench`, in the words of benches/worker.rs: worker.py KIND NAME THREADS FOLDER."""

import sys
import time

import numpy as np
from runtimes import load, numpy, place

kind, name, threads, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
version = load(kind, folder, name, threads)[1]
print("ready", version, flush=True)
cases = {}
for line in sys.stdin:
    batch, side, *file = line.split()
    shape = (int(batch), 3, int(side), int(side))
    if shape not in cases:
        photos = np.resize(np.fromfile(f"{folder}/photos-{side}.f32", np.float32), shape)
        cases[shape] = load(kind, folder, name, threads, shape)[0], place(kind, photos)
    run, photos = cases[shape]
    start = time.perf_counter()
    picture = run(photos)
    ms = (time.perf_counter() - start) * 1e3
    if file:
        numpy(picture).tofile(file[0])
    print(ms, flush=True)
