"""A model in each of the peers: a function from (N, 3, H, W) float32 to the same, of what `place` made to what `numpy` reads."""

import numpy as np


def load(kind, folder, name, threads, shape=None):
    """The function, and the runtime's version; `shape` fixes the sizes where the runtime gains by it."""
    if kind == "torch":
        import networks  # noqa: F401: the pickled module is one of these
        import torch

        torch.set_num_threads(threads)
        net = torch.load(f"{folder}/{name}.pt", weights_only=False).eval()

        def run(x):
            with torch.inference_mode():
                return net(torch.from_numpy(x)).numpy()

        return run, f"PyTorch {torch.__version__.split('+')[0]} eager, f32"
    if kind.startswith("cuda"):
        return on_cuda(kind, f"{folder}/{name}.pt")
    if kind == "ort":
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        for axis, size in zip(("batch", "height", "width"), (shape[0], *shape[2:]) if shape else ()):
            options.add_free_dimension_override_by_name(axis, size)
        session = ort.InferenceSession(f"{folder}/{name}.onnx", options, providers=["CPUExecutionProvider"])
        return lambda x: session.run(None, {"photo": x})[0], f"ONNX Runtime {ort.__version__}, f32"
    import openvino as ov

    core = ov.Core()
    model = core.read_model(f"{folder}/{name}.onnx")
    if shape:
        model.reshape(shape)
    config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    if kind == "openvino-f32":
        config["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = core.compile_model(model, "CPU", config)
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    request = compiled.create_infer_request()
    # The answer lies in the request's own memory: copied, as the others hand over theirs.
    run = lambda x: np.array(request.infer({0: x})[compiled.output(0)])
    return run, f"OpenVINO {ov.__version__.split('-')[0]}, {precision}"


def on_cuda(kind, file):
    """PyTorch on the GPU, the photo and the picture there too."""
    import networks  # noqa: F401
    import torch

    exact = kind == "cuda-f32"
    # Its f32 is else one of 19 bits.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not exact
    torch.backends.cudnn.benchmark = True
    dtype = torch.float32 if exact else torch.bfloat16
    net = torch.load(file, weights_only=False).eval().to("cuda", dtype, memory_format=torch.channels_last)

    def draw(x):
        return net(x.to(dtype, memory_format=torch.channels_last)).float().contiguous()

    if kind == "cuda-compiled":
        draw = torch.compile(draw, dynamic=False, mode="reduce-overhead")

    def run(x):
        with torch.inference_mode():
            picture = draw(x)
            torch.cuda.synchronize()
        return picture

    way = {"cuda-compiled": "compiled, bf16", "cuda": "eager, bf16", "cuda-f32": "eager, f32"}[kind]
    return run, f"PyTorch {torch.__version__.split('+')[0]} {way}, channels last"


def place(kind, photos):
    """The photos where the runtime reads them."""
    if not kind.startswith("cuda"):
        return photos
    import torch

    return torch.from_numpy(photos).cuda()


def numpy(picture):
    """The picture's values, wherever it lies."""
    return picture if isinstance(picture, np.ndarray) else picture.cpu().numpy()
