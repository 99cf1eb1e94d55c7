"""The pix2pix networks, small: values, gradients, statistics (`python tests/golden/nets.py`, PyTorch 2.13).

Written from the published layout: the names are those of the state dictionaries that the
reference implementation saves, so a network that agrees here can read them.
"""

import torch
import torch.nn.functional as F
from formula import formula, loss, parameter, row, write

rows = []


class Net:
    """Parameters by name, made when first asked for, and a norm in one of its modes."""

    def __init__(self, norm, training):
        self.norm, self.training, self.p = norm, training, {}

    def get(self, name, *shape):
        return self.p.setdefault(name, parameter(name, *shape))

    def bias(self, name, channels, normed):
        """Batch norm has a shift of its own: a convolution before it has no bias."""
        return None if normed and self.norm == "batch" else self.get(f"{name}.bias", channels)

    def conv(self, x, name, channels, stride=2, normed=True):
        w = self.get(f"{name}.weight", channels, x.shape[1], 4, 4)
        return F.conv2d(x, w, self.bias(name, channels, normed), stride=stride, padding=1)

    def up(self, x, name, channels, normed=True):
        w = self.get(f"{name}.weight", x.shape[1], channels, 4, 4)
        return F.conv_transpose2d(F.relu(x), w, self.bias(name, channels, normed), stride=2, padding=1)

    def normed(self, x, name):
        if self.norm == "instance":
            return F.instance_norm(x, eps=1e-5)
        w, b, mean, var = (self.get(f"{name}.{k}", x.shape[1]) for k in ("weight", "bias", "running_mean", "running_var"))
        return F.batch_norm(x, mean.detach(), var.detach(), w, b, training=self.training, momentum=0.1, eps=1e-5)

    def unet(self, x, downs, ngf):
        """Levels 1 (outermost) to `downs`, one inside the other; no dropout."""
        at, path, skips = ["model.model"], None, []
        # The first and the innermost convolution have no norm, and yet their bias follows the others'.
        x = self.conv(x, "model.model.0", ngf)
        for level in range(2, downs + 1):
            skips.append(x)
            path = at[-1] + (".1" if level == 2 else ".3") + ".model"
            at.append(path)
            x = self.conv(F.leaky_relu(x, 0.2), f"{path}.1", ngf * min(2 ** (level - 1), 8))
            if level < downs:
                x = self.normed(x, f"{path}.2")
        x = self.normed(self.up(x, f"{path}.3", skips[-1].shape[1]), f"{path}.4")
        for level in range(downs - 1, 1, -1):
            path, skip = at[level - 1], skips.pop()
            x = self.up(torch.cat([skip, x], 1), f"{path}.5", skips[-1].shape[1])
            x = self.normed(x, f"{path}.6")
        return self.up(torch.cat([skips.pop(), x], 1), "model.model.3", 3, normed=False).tanh()

    def patch_gan(self, x, ndf):
        """70x70: three convolutions of stride 2, two of stride 1; the answer is a logit a patch."""
        x = F.leaky_relu(self.conv(x, "model.0", ndf, normed=False), 0.2)
        for at, (factor, stride) in zip((2, 5, 8), [(2, 2), (4, 2), (8, 1)]):
            x = self.conv(x, f"model.{at}", ndf * factor, stride)
            x = F.leaky_relu(self.normed(x, f"model.{at + 1}"), 0.2)
        return self.conv(x, "model.11", 1, stride=1, normed=False)


def unet_names(downs, norm):
    inner = "model.model.1.model" + ".3.model" * (downs - 2)
    middle = "model.model.1.model.3.model.3.model"
    names = ["model.model.0.weight", f"{middle}.1.weight", f"{inner}.1.weight", f"{inner}.3.weight", f"{middle}.5.weight"]
    norms = [f"{middle}.2.weight", f"{middle}.2.bias", f"{inner}.4.weight", "model.model.1.model.6.bias"]
    biases = ["model.model.0.bias", f"{inner}.1.bias"]
    return names + (norms if norm == "batch" else biases) + ["model.model.3.weight", "model.model.3.bias"]


def patch_names(norm):
    names = ["model.0.weight", "model.0.bias", "model.2.weight", "model.8.weight", "model.11.weight", "model.11.bias"]
    return names + (["model.3.weight", "model.6.bias", "model.9.bias"] if norm == "batch" else [])


def statistics(inner):
    return [f"{inner}.running_mean", f"{inner}.running_var"]


def network(name, norm, run, shape, names, watched, penalised=()):
    if norm == "batch":
        rows.append(row(f"{name}/eval", run(Net(norm, False), formula(f"{name}.x", *shape))))
    net, x = Net(norm, True), formula(f"{name}.x", *shape)
    y = run(net, x)
    if penalised:  # the slope of the judgement, as gradient penalties ask for it
        slope = torch.autograd.grad(loss(y), x, create_graph=True)[0].square().sum()
        grads = torch.autograd.grad(slope, [x] + [net.p[n] for n in penalised], retain_graph=True)
        rows.extend(row(f"{name}.penalty/{n}", g) for n, g in zip(["x", *penalised], grads))
    grads = torch.autograd.grad(loss(y), [x] + [net.p[n] for n in names])
    rows.append(row(f"{name}/sizes", torch.tensor([float(len(net.p)), sum(p.numel() for p in net.p.values())])))
    rows.append(row(f"{name}/y", y))
    rows.extend(row(f"{name}/g/{n}", g) for n, g in zip(["x", *names], grads))
    rows.extend(row(f"{name}/after/{n}", net.p[n]) for n in watched if norm == "batch")


for norm in ("batch", "instance"):
    for downs, ngf, shape in [(7, 4, (2, 3, 128, 128)), (8, 2, (1, 3, 256, 256))]:
        network(
            f"unet_{2**downs}_{norm}",
            norm,
            lambda net, x: net.unet(x, downs, ngf),
            shape,
            unet_names(downs, norm),
            statistics("model.model.1.model" + ".3.model" * (downs - 2) + ".4") + statistics("model.model.1.model.2"),
        )
    run = lambda net, x: net.patch_gan(x, 4)
    penalised = ["model.0.weight", "model.0.bias", "model.5.weight", "model.8.weight", "model.11.weight"]
    penalised += ["model.3.weight", "model.6.bias"] if norm == "batch" else []
    network(f"patch_gan_{norm}", norm, run, (2, 6, 48, 64), patch_names(norm), statistics("model.9"), penalised)

write(__file__, rows)

# numbers: written by this script, read by the tests
# unet_128_batch/eval 2x3x128x128 0.212476062 0.191161688 -0.00092389443 0.117509896 0.25411974 -0.0753244791 0.0959373982 0.169968625
# unet_128_batch/sizes 2 116589.895 89725.5719 59 164883
# unet_128_batch/y 2x3x128x128 0.325556938 0.358953983 -0.115949405 0.176075463 0.200447015 0.0574083478 0.0479459431 0.107943407
# unet_128_batch/g/x 2x3x128x128 4.62568886e-06 -1.47192488e-06 7.69854707e-07 5.68681178e-07 -2.8547667e-06 6.2366987e-06 -3.13965144e-06 -1.08456374e-07
# unet_128_batch/g/model.model.0.weight 4x3x4x4 0.000532669243 0.000727961914 0.000779009265 -0.000541199525 0.00022912013 0.000762969648 -0.000161927358 -0.000473752055
# unet_128_batch/g/model.model.1.model.3.model.3.model.1.weight 32x16x4x4 3.69843071e-05 -1.06075803e-05 -1.93177333e-05 -3.90923073e-05 -5.40228051e-06 1.96329987e-05 -4.0934033e-05 4.16132116e-05
# unet_128_batch/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.1.weight 32x32x4x4 9.20131378e-06 7.98578009e-06 0 0 -6.8097222e-05 0 0 0
# unet_128_batch/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.weight 32x32x4x4 5.9374598e-06 -6.37066723e-06 0 0 2.49927969e-05 0 0 0
# unet_128_batch/g/model.model.1.model.3.model.3.model.5.weight 64x16x4x4 1.92331322e-05 -6.59776286e-06 -2.46025933e-07 -8.51941474e-06 -8.67690548e-06 1.103095e-05 1.9658566e-05 6.7756783e-05
# unet_128_batch/g/model.model.1.model.3.model.3.model.2.weight 32 6.40841319e-05 -5.37999724e-06 7.81419855e-05 -1.05721764e-05 -1.33762604e-07 -1.98068798e-05 -1.7216781e-05 8.43762532e-05
# unet_128_batch/g/model.model.1.model.3.model.3.model.2.bias 32 5.24435504e-05 8.72215184e-09 0.000110916865 -1.20799554e-05 -9.07980076e-06 -7.75902508e-05 5.5290747e-05 6.6680349e-05
# unet_128_batch/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.4.weight 32 1.67926053e-05 3.50640408e-06 2.55125778e-05 2.77232285e-05 -8.01570861e-06 1.5070703e-05 -1.3506675e-05 -2.41764072e-05
# unet_128_batch/g/model.model.1.model.6.bias 4 0.000132725612 0.000129009867 8.62366967e-05 0.0001129895 2.15644186e-05 0.000223150024
# unet_128_batch/g/model.model.3.weight 8x3x4x4 0.000278498507 -4.22792967e-05 3.4018079e-05 -4.17687832e-05 -0.00011650037 -0.00062676556 0.000263484513 -0.00014759806
# unet_128_batch/g/model.model.3.bias 3 0.000929339783 9.87582354e-06 0.000853283678 0.000251498535 -0.00134151882
# unet_128_batch/after/model.model.1.model.3.model.3.model.3.model.3.model.3.model.4.running_mean 32 0.0973589828 -0.0209885941 -0.0794885968 -0.157540029 0.00178663368 0.0774764622 -0.140607376 0.0290699291
# unet_128_batch/after/model.model.1.model.3.model.3.model.3.model.3.model.3.model.4.running_var 32 0.935016492 0.546346167 1.26308352 0.733750336 1.00225241 1.04097545 0.695571353 0.591662677
# unet_128_batch/after/model.model.1.model.2.running_mean 8 0.106212058 -0.0585530717 -0.0587110956 -0.0988449893 0.138502627 0.101605128 0.024559528 -0.193981617
# unet_128_batch/after/model.model.1.model.2.running_var 8 0.791160703 0.537288484 0.517480237 0.537617387 0.951300883 0.815554333 0.898578895 1.01471625
# unet_256_batch/eval 1x3x256x256 0.149813538 0.0455279696 -0.00513266913 0.0972785226 0.0128819466 -0.118297931 0.0918081291 0.138000728
# unet_256_batch/sizes 2 38202.8892 29391.1998 69 54027
# unet_256_batch/y 1x3x256x256 0.239679679 0.0699452655 -0.0460147444 0.266530472 0.0822496651 -0.192092889 0.242037285 0.186932729
# unet_256_batch/g/x 1x3x256x256 1.72816551e-06 4.40839459e-07 2.32748412e-07 -3.27587586e-07 -5.57112993e-07 4.68174252e-07 -7.83655357e-07 1.18617267e-07
# unet_256_batch/g/model.model.0.weight 2x3x4x4 0.000432470311 -0.000520678986 -0.000403127834 0.000621097634 0.00018361549 -0.000145544474 -0.000311067062 -0.000640898026
# unet_256_batch/g/model.model.1.model.3.model.3.model.1.weight 16x8x4x4 3.8513575e-05 2.62903085e-05 1.64674564e-05 2.15792907e-05 5.14071566e-05 2.64488008e-05 -1.86782621e-06 2.02458689e-05
# unet_256_batch/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.1.weight 16x16x4x4 8.40001341e-06 -5.7005223e-06 0 0 1.12066482e-05 9.36465115e-05 0 0
# unet_256_batch/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.3.weight 16x16x4x4 6.42798621e-06 -7.24964442e-06 0 0 -8.79291215e-06 4.69372631e-06 0 0
# unet_256_batch/g/model.model.1.model.3.model.3.model.5.weight 32x8x4x4 2.07732186e-05 6.32452647e-06 -2.16210662e-05 1.55544823e-05 2.5858025e-05 1.96498162e-05 2.32310032e-05 3.93073653e-07
# unet_256_batch/g/model.model.1.model.3.model.3.model.2.weight 16 3.2269104e-05 -1.27840241e-05 -3.17043347e-05 3.97464851e-05 2.50073327e-05 3.85587147e-05 1.7415843e-05 -8.61195087e-07
# unet_256_batch/g/model.model.1.model.3.model.3.model.2.bias 16 3.47284683e-05 -2.90345478e-05 -1.44535323e-06 4.35939972e-05 4.3280962e-05 6.44163116e-05 4.56102034e-05 -2.98852734e-05
# unet_256_batch/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.4.weight 16 1.0864023e-05 2.2546697e-06 -9.71404351e-07 1.76899878e-05 1.89780113e-05 1.22801874e-06 1.22503477e-05 1.08401938e-05
# unet_256_batch/g/model.model.1.model.6.bias 2 0.000344735447 7.31380301e-05 -0.000486679179 -2.87825131e-05
# unet_256_batch/g/model.model.3.weight 4x3x4x4 0.000208585003 -3.70233657e-05 2.76497281e-05 -0.000230912647 -0.000219807398 3.24158844e-05 -0.000494603343 6.31842244e-05
# unet_256_batch/g/model.model.3.bias 3 0.00105989737 -0.000460706363 0.000370405591 -0.000976500831 -0.00150976591
# unet_256_batch/after/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.4.running_mean 16 0.108767811 -0.017653965 -0.0896994655 0.125816327 0.0504850212 -0.157366216 -0.110446922 0.120247597
# unet_256_batch/after/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.4.running_var 16 1.03585096 0.0964303114 1.11694295 1.22952884 1.15476426 0.911610028 1.11174454 0.986725251
# unet_256_batch/after/model.model.1.model.2.running_mean 4 0.108736361 -0.0147534916 -0.0637018686 -0.118208772 0.160990939 0.0578364993
# unet_256_batch/after/model.model.1.model.2.running_var 4 0.697868754 0.431782413 0.513719211 0.533115026 0.947034643 0.709288036
# patch_gan_batch/eval 2x1x4x6 0.966822053 0.759807221 1.2831164 1.12812524 0.520057688 0.89960611 1.17430718 1.53651181
# patch_gan_batch.penalty/x 2x6x48x64 0.000179959573 -6.78921971e-05 5.35196459e-06 4.71521343e-05 -8.3282566e-05 -0.000263885224 8.67117784e-05 3.74619518e-05
# patch_gan_batch.penalty/model.0.weight 4x6x4x4 0.00903388764 -0.00381200514 -0.00246086735 0.00731389407 0.0011574328 0.00956134336 -0.00157520896 -0.00501064191
# patch_gan_batch.penalty/model.0.bias 4 0.0519391662 -0.0317596278 -0.0658082068 -0.0475634758 -0.0387333257 -0.0519368185
# patch_gan_batch.penalty/model.5.weight 16x8x4x4 0.00353542055 1.11263916e-05 -0.00363238271 -0.00829859828 0.00286597472 -0.000703844736 -0.0098486689 -0.00482878906
# patch_gan_batch.penalty/model.8.weight 32x16x4x4 0.00188874516 0.000307520565 -0.000327568046 0.00328386885 -0.00167274571 0.00128229323 -0.000311896957 -0.000323049331
# patch_gan_batch.penalty/model.11.weight 1x32x4x4 0.00872371424 -0.00757071741 -0.00436723805 -0.00778537321 0.010426457 -0.0107103729 -0.00954558971 -0.00836023434
# patch_gan_batch.penalty/model.3.weight 8 0.0064627578 0.00603354916 -0.0129106741 0.0069598908 -0.00271969089 0.00274759026 9.31483257e-05 0.0090363967
# patch_gan_batch.penalty/model.6.bias 16 0.00900257061 -0.00165679535 -0.00723348977 -0.0118265728 -0.012697137 -0.00671979855 -0.00708163999 -0.00910612545
# patch_gan_batch/sizes 2 8398.31799 6460.5014 19 11877
# patch_gan_batch/y 2x1x4x6 2.07537373 2.58607927 3.14234783 2.0507788 0.145829385 1.07177508 0.360085142 5.08728018
# patch_gan_batch/g/x 2x6x48x64 0.00194308676 -0.00257207353 -0.000178196246 0.0042194787 -0.00022124294 -0.000885731026 -0.00178886541 4.71211919e-05
# patch_gan_batch/g/model.0.weight 4x6x4x4 0.0901449033 -0.0587475535 0.0188056765 -0.0950870887 -0.145953577 -0.0209905135 0.125845972 0.00119308778
# patch_gan_batch/g/model.0.bias 4 0.0503573659 -0.0233417531 0.0404891799 -0.0840804757 -0.0202669283 0.0319970111
# patch_gan_batch/g/model.2.weight 8x4x4x4 0.0725586001 -0.0997803708 0.105338789 0.0200606963 0.0657107163 0.0509354923 0.0144780043 0.0202224062
# patch_gan_batch/g/model.8.weight 32x16x4x4 0.0154073267 -0.00459291042 0.00321800451 -0.0225881457 0.0200586613 0.00835834115 0.00691869556 0.0103398196
# patch_gan_batch/g/model.11.weight 1x32x4x4 0.0608712885 0.0231151268 0.0148369753 0.0509062282 0.165603136 0.0304601021 0.0121838942 -0.0198061826
# patch_gan_batch/g/model.11.bias 1 0.105212693 -0.027149793 0.105212693
# patch_gan_batch/g/model.3.weight 8 0.0286615733 -0.022246178 0.0138369006 -0.0096935668 0.0433594077 0.0211054807 -0.0122611462 -0.0153106342
# patch_gan_batch/g/model.6.bias 16 0.0211062256 0.00513322239 0.00921164336 0.0226451979 -0.0280547857 0.0020641864 -0.0288598675 0.024633235
# patch_gan_batch/g/model.9.bias 32 0.0295313967 0.0019171953 -0.0110170968 -0.0345910941 -0.00720935789 -0.0511574011 0.0410780864 0.0131673135
# patch_gan_batch/after/model.9.running_mean 32 0.118170796 -0.0460629231 -0.181430676 0.0988962284 -0.0689742232 -0.121996923 -0.0139562981 -0.108053216
# patch_gan_batch/after/model.9.running_var 32 1.04189864 0.641592432 1.3125628 0.929259082 0.748021787 0.826357213 1.27547805 1.15737338
# unet_128_instance/sizes 2 116097.743 89352.4355 28 164187
# unet_128_instance/y 2x3x128x128 0.312989207 0.175908999 -0.158956389 -0.688382947 0.170394949 0.281401904 -0.173224964 0.121262237
# unet_128_instance/g/x 2x3x128x128 4.37447702e-06 -2.55732709e-06 -2.54200993e-08 1.94282124e-06 -5.94610982e-07 3.61952931e-06 3.3655991e-07 2.4386991e-07
# unet_128_instance/g/model.model.0.weight 4x3x4x4 0.000470542565 -0.000195471496 0.000343139406 0.000550089093 0.000140481015 2.53677876e-05 0.000157831883 -0.000627777838
# unet_128_instance/g/model.model.1.model.3.model.3.model.1.weight 32x16x4x4 3.44160985e-05 9.99841562e-07 -3.27950358e-05 1.93306908e-05 -1.93710423e-05 -1.55670727e-05 -3.73404779e-05 -6.73043866e-05
# unet_128_instance/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.1.weight 32x32x4x4 6.67187005e-06 -9.3757389e-07 0 0 0 -1.42022808e-06 0 0
# unet_128_instance/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.weight 32x32x4x4 9.06764256e-06 2.3544397e-06 0 0 0 -4.77700391e-07 0 0
# unet_128_instance/g/model.model.1.model.3.model.3.model.5.weight 64x16x4x4 2.04130492e-05 -1.74966492e-07 -1.2170183e-05 -3.44407788e-06 2.28328444e-05 -1.67903148e-05 8.23512992e-06 -9.72034956e-06
# unet_128_instance/g/model.model.0.bias 4 0.000429147167 0.000343062129 0.00026796557 0.000396889034 -0.000508984409 0.000498274606
# unet_128_instance/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.1.bias 32 2.01212809e-05 -1.33602529e-05 0 3.85721462e-05 0 0 2.85734004e-05 -6.01819058e-05
# unet_128_instance/g/model.model.3.weight 8x3x4x4 0.000258282207 0.000144065808 -6.71892765e-05 0.000304536132 4.15261632e-05 -0.000602713642 0.000220110299 -0.00061575773
# unet_128_instance/g/model.model.3.bias 3 0.000844780492 -4.04057084e-05 0.000815293113 0.000131267384 -0.00120790242
# unet_256_instance/sizes 2 37888.9094 29156.3074 32 53583
# unet_256_instance/y 1x3x256x256 0.245749431 0.095058745 9.10918352e-05 0.259543413 -0.256933226 0.06821834 0.124729979 0.141726425
# unet_256_instance/g/x 1x3x256x256 1.83860107e-06 5.93521341e-07 4.85191395e-08 5.98566945e-07 1.71319951e-06 2.44463348e-07 -2.43121486e-07 5.07000913e-08
# unet_256_instance/g/model.model.0.weight 2x3x4x4 0.00043828532 -0.000344395069 0.000148487191 -0.000208950125 8.18322963e-05 -0.00064692242 -0.000368669312 0.000691064874
# unet_256_instance/g/model.model.1.model.3.model.3.model.1.weight 16x8x4x4 4.55071489e-05 6.78624061e-06 1.92886257e-05 5.23203785e-05 -6.85017022e-05 -5.15761564e-05 -4.87743709e-05 2.05524733e-05
# unet_256_instance/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.1.weight 16x16x4x4 6.28172393e-06 -3.70910565e-06 0 0 0 0 0 0
# unet_256_instance/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.3.weight 16x16x4x4 5.75601951e-06 2.44500664e-06 0 0 0 0 0 0
# unet_256_instance/g/model.model.1.model.3.model.3.model.5.weight 32x8x4x4 2.22938691e-05 -1.29908316e-05 -8.47799019e-06 -2.92985924e-05 -1.44093304e-05 1.71826754e-05 9.38247821e-06 1.01891112e-05
# unet_256_instance/g/model.model.0.bias 2 0.000166048161 0.00010906261 7.04464584e-05 0.000224011786
# unet_256_instance/g/model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.1.bias 16 1.74524479e-05 -4.71169879e-06 -6.23610358e-05 0 0 0 0 0
# unet_256_instance/g/model.model.3.weight 4x3x4x4 0.000219407738 0.00017148768 1.81445064e-07 -0.000104074552 -9.38187764e-05 -2.693818e-05 -7.12652697e-05 3.03383058e-05
# unet_256_instance/g/model.model.3.bias 3 0.00102430252 -0.000441750798 0.000303093205 -0.000954493419 -0.00146446707
# patch_gan_instance.penalty/x 2x6x48x64 0.000174170378 6.70453666e-05 -7.9520035e-06 5.44107039e-05 -0.000140093605 0.000178356988 -0.000253716372 2.80044535e-05
# patch_gan_instance.penalty/model.0.weight 4x6x4x4 0.00810542189 0.00613962365 0.000175069482 0.00548909029 0.00796211867 -0.0078383389 -0.00310397723 -0.00550982998
# patch_gan_instance.penalty/model.0.bias 4 0.0396571563 -0.0273767889 -0.0446418822 -0.0426622229 -0.0301728086 -0.0395903888
# patch_gan_instance.penalty/model.5.weight 16x8x4x4 0.00315714548 0.000276771106 -0.00178056607 0.00301687675 0.00121169129 -0.00455751917 -0.00179444182 -0.00656119823
# patch_gan_instance.penalty/model.8.weight 32x16x4x4 0.0016983344 -0.000833133649 -0.000583996087 0.00114795639 0.00123040116 0.00149050122 0.000838149372 -0.00176898812
# patch_gan_instance.penalty/model.11.weight 1x32x4x4 0.00835868663 -0.00367872024 -0.00516833499 -0.0143742531 -0.00458815847 0.00324424868 -0.00967629736 -0.00284813225
# patch_gan_instance/sizes 2 8279.51632 6370.71086 10 11709
# patch_gan_instance/y 2x1x4x6 2.15868859 0.850707465 2.95069231 -2.58516337 -1.28245541 -1.41980477 0.0738156028 0.20441176
# patch_gan_instance/g/x 2x6x48x64 0.00182600237 -0.000797286141 -0.00022756235 -0.000101826883 0.00476914831 -0.00154860152 -0.00197751424 -3.55098621e-05
# patch_gan_instance/g/model.0.weight 4x6x4x4 0.0881573751 0.054669643 0.0804589254 -0.0786189461 -0.0515689883 -0.158528962 0.0707278892 -0.0807041967
# patch_gan_instance/g/model.0.bias 4 0.0676775341 0.0500000183 -0.0245114815 0.0678996568 -0.10584431 0.0436669267
# patch_gan_instance/g/model.2.weight 8x4x4x4 0.0675854106 -0.0301127545 0.0372698092 -0.0624219838 -0.0107986968 0.074346736 -0.0705120044 -0.0788364888
# patch_gan_instance/g/model.8.weight 32x16x4x4 0.0144119593 -0.0113238846 -0.00352562133 0.00169124022 0.0241034696 -0.010982733 0.0134847397 -0.0187904075
# patch_gan_instance/g/model.11.weight 1x32x4x4 0.0579830658 -0.0289114024 0.0187686166 0.126426512 -0.062505512 0.056944457 -0.0162327421 -0.0176523792
# patch_gan_instance/g/model.11.bias 1 0.105212693 -0.027149793 0.105212693
