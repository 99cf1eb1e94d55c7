"""Small checkpoints and what PyTorch draws with them (`python tests/golden/import.py`, PyTorch 2.13).

Writes NAME.pth beside itself, in every form that there is: the container before PyTorch 1.6, half precision,
channels-last strides, wrappers' names, without counters, with the statistics that instance norm once kept.
"""

import copy
from pathlib import Path

import torch
from formula import formula, parameter, row, write
from pix2pix import PatchGan, PixelGan, ResNet, UNet, by_image

rows = []


def checkpoint(name, net, change=lambda net: net.state_dict(), legacy=False):
    """The checkpoint of `net`, and `net` with just what was saved."""
    net = net.eval()
    floats = {n: parameter(n, *t.shape) for n, t in net.state_dict().items() if t.is_floating_point()}
    net.load_state_dict(floats, strict=False)
    state = change(net.float())
    torch.save(state, Path(__file__).parent / f"{name}.pth", _use_new_zipfile_serialization=not legacy)
    for n, t in state.items():  # what was rounded on the way to the file
        if (n := n.removeprefix("module._orig_mod.")) in floats:
            floats[n] = t.double()
    net.double().load_state_dict(floats, strict=False)
    return net


def draws(name, net, shape):
    photo = formula(f"{name}.photo", *shape)
    with torch.no_grad():
        rows.append(row(f"{name}/drawn", net(photo)))
        if any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules()):
            own = [by_image(copy.deepcopy(net))(one[None]) for one in photo]
            rows.append(row(f"{name}/by-image", torch.cat(own)))


def wrapped(net):
    state = net.half().to(memory_format=torch.channels_last).state_dict()
    return {f"module._orig_mod.{name}": t for name, t in state.items() if not name.endswith("num_batches_tracked")}


def with_statistics(net):
    state = net.state_dict()
    at = "model.model.1.model.2"
    state[f"{at}.running_mean"], state[f"{at}.running_var"] = torch.zeros(2), torch.ones(2)
    return state


# Twice as wide as high: not only the size of training.
draws("unet_256", checkpoint("unet_256", UNet(8, 1)), (1, 3, 256, 512))
draws("unet_128", checkpoint("unet_128", UNet(7, 2), wrapped), (1, 3, 128, 256))
colourises = UNet(7, 1, "instance", inputs=1, outputs=3)
draws("unet_128_instance", checkpoint("unet_128_instance", colourises, with_statistics, legacy=True), (1, 1, 128, 256))
traces = ResNet(9, 1, "batch", dropout=True, inputs=3, outputs=1)
draws("resnet_9blocks", checkpoint("resnet_9blocks", traces), (2, 3, 36, 48))
cuts_out = ResNet(6, 1, "instance", dropout=False, inputs=4, outputs=4)
draws("resnet_6blocks", checkpoint("resnet_6blocks", cuts_out, legacy=True), (2, 4, 36, 48))
draws("resnet_9_dry", checkpoint("resnet_9_dry", ResNet(9, 1, "batch", dropout=False)), (2, 3, 36, 48))
judges = [("basic", PatchGan(6, 2)), ("n_layers", PatchGan(6, 2, 2, "instance")), ("pixel", PixelGan(6, 2))]
for name, net in judges:
    net = checkpoint(f"judge_{name}", net)
    with torch.no_grad():
        rows.append(row(f"judge_{name}/logits", net(formula(f"judge_{name}.pair", 2, 6, 40, 48))))
write(__file__, rows)

# numbers: written by this script, read by the tests
# unet_256/drawn 1x3x256x512 0.126279153 -0.0883504504 0.0419060387 0.0682696688 -0.10097418 0.00773728865 0.150393629 0.108914036
# unet_256/by-image 1x3x256x512 0.187105535 -0.0869673411 0.0614560752 0.100812312 -0.320850824 -0.100736228 0.259148358 0.10901423
# unet_128/drawn 1x3x128x256 0.149531606 0.00439234077 0.0121285654 0.143952146 -0.110083076 -0.150146998 0.152716393 0.143685583
# unet_128/by-image 1x3x128x256 0.239098423 0.0258855285 -0.0104950859 0.435628606 -0.0737449703 0.0437286496 0.0252820135 0.276661039
# unet_128_instance/drawn 1x3x128x256 0.17606139 0.0355405061 0.0327281066 0.224581099 -0.036724867 -0.188541297 0.218864579 0.124982125
# resnet_9blocks/drawn 2x1x36x48 0.0919773571 0.0378840033 0.0953204372 0.0890261524 0.102044822 0.100914679 0.102556171 0.0860216327
# resnet_9blocks/by-image 2x1x36x48 0.42852663 -0.225482959 -0.0588866291 0.227701578 0.227591222 -0.226012981 0.845729755 0.309389726
# resnet_6blocks/drawn 2x4x36x48 0.511080845 0.836842388 0.297836433 -0.298794684 0.205368761 0.17742144 -0.332339301 0.311739358
# resnet_9_dry/drawn 2x3x36x48 0.0671199463 0.0921227778 0.0724546798 0.0553460599 -0.0305800172 0.0909664491 0.076902603 -0.0153388767
# resnet_9_dry/by-image 2x3x36x48 0.435836763 0.433262676 0.416609567 0.761501115 -0.299459895 0.0812279829 -0.820509562 0.401062237
# judge_basic/logits 2x1x3x4 0.225298176 0.203943128 0.0536805596 -0.413116332 -0.374509541 -0.113760814 -0.251742081 0.0901797663
# judge_n_layers/logits 2x1x8x10 0.834417709 -0.609884914 -0.0998066145 0.00735468569 0.71092963 -0.108823828 -0.46958831 -0.47097383
# judge_pixel/logits 2x1x40x48 0.0127924413 -0.00210158408 -0.0134158485 -0.0107908644 -0.0134156282 -0.0125669579 -0.013754762 -0.013013842
