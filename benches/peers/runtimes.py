"""A model in each of the peers: a function from (N, 3, H, W) float32 to the same, numpy to numpy."""

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
