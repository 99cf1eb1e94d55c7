"""The usual way to serve a generator: FastAPI around PyTorch or ONNX Runtime.

Run by uvicorn; PEER (torch or ort), MODEL, MULTIPLE, THREADS and FOLDER come from the environment.
JPEG is decoded at a reduced scale where that suffices, as Pillow can.
"""

import io
import os
import time

import numpy as np
from fastapi import FastAPI, Response, UploadFile
from PIL import Image
from runtimes import load, numpy, place

MULTIPLE, PEER = int(os.environ["MULTIPLE"]), os.environ["PEER"]
run, _ = load(PEER, os.environ["FOLDER"], os.environ["MODEL"], int(os.environ["THREADS"]))
app = FastAPI()


@app.get("/readyz")
def ready():
    return {}


@app.post("/v1/stylize")
def stylize(image: UploadFile, max_side: int = 1536):
    start = time.perf_counter()
    photo = Image.open(image.file)
    photo.draft("RGB", (max_side, max_side))
    photo = photo.convert("RGB")
    photo.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    values = np.asarray(photo)
    height, width, _ = values.shape
    values = np.pad(values, ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)), "reflect")
    values = values.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
    decoded = time.perf_counter()
    picture = numpy(run(place(PEER, values)))
    drawn = time.perf_counter()
    picture = picture[0, :, :height, :width].transpose(1, 2, 0)
    picture = ((picture + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=90)
    times = zip(("decode", "infer", "encode"), (decoded - start, drawn - decoded, time.perf_counter() - drawn))
    timing = ", ".join(f"{name};dur={1e3 * took:.1f}" for name, took in times)
    return Response(out.getvalue(), media_type="image/jpeg", headers={"Server-Timing": timing})
