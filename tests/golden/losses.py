"""Losses and the optimiser (`python tests/golden/losses.py`, PyTorch 2.13)."""

import torch
import torch.nn.functional as F
from formula import formula, row, write

rows = []


def both(name, loss, *inputs):
    grads = torch.autograd.grad(loss, inputs)
    rows.append(row(f"{name}/loss", loss))
    rows.extend(row(f"{name}/g{i}", g) for i, g in enumerate(grads))


for name, scale in [("mild", 2.0), ("confident", 120.0)]:
    real, fake = formula(f"{name}.real", 2, 1, 5, 6, scale=scale), formula(f"{name}.fake", 2, 1, 5, 6, scale=scale)
    one, zero = torch.ones_like(real), torch.zeros_like(real)
    bce = F.binary_cross_entropy_with_logits
    # A discriminator's loss is half of real's part plus fake's; the generator's is the whole of its own.
    both(f"{name}/vanilla/d", (bce(real, one) + bce(fake, zero)) / 2, real, fake)
    both(f"{name}/vanilla/g", bce(fake, one), fake)
    both(f"{name}/lsgan/d", (F.mse_loss(real, one) + F.mse_loss(fake, zero)) / 2, real, fake)
    both(f"{name}/lsgan/g", F.mse_loss(fake, one), fake)
    both(f"{name}/hinge/d", (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2, real, fake)
    both(f"{name}/hinge/g", -fake.mean(), fake)
drawn, target = formula("l1.drawn", 2, 3, 5, 4), formula("l1.target", 2, 3, 5, 4)
both("l1", F.l1_loss(drawn, target), drawn)

# Large gradients, and ones so small that epsilon matters.
for name, scale in [("adam", 0.1), ("adam_tiny", 1e-7)]:
    start = formula(f"{name}.p", 3, 7, scale=0.001)
    p = start.detach().clone().requires_grad_()
    adam = torch.optim.Adam([p], lr=2e-4, betas=(0.5, 0.999), eps=1e-8)
    for step in range(1, 4):
        p.grad = formula(f"{name}.g{step}", 3, 7, scale=scale).detach()
        adam.step()
        rows.append(row(f"{name}/moved{step}", p - start))

write(__file__, rows)

# numbers: written by this script, read by the tests
# mild/vanilla/d/loss 1 0.886608693 -0.228786489 0.886608693
# mild/vanilla/d/g0 2x1x5x6 0.00493176156 -0.00241047655 -0.0063473638 -0.00691555778 -0.00596313808 -0.00488067255 -0.00600134384 -0.00100121119
# mild/vanilla/d/g1 2x1x5x6 0.00459075086 -0.000850144642 0.00652226995 0.00258669086 0.00164368033 0.00687168023 0.00156608611 0.00284722945
# mild/vanilla/g/loss 1 0.864172128 -0.222996806 0.864172128
# mild/vanilla/g/g0 2x1x5x6 0.00939770098 -0.00730163239 -0.00362212676 -0.011493285 -0.013379306 -0.0029233062 -0.0135344944 -0.0109722078
# mild/lsgan/d/loss 1 2.06549505 -0.532994278 2.06549505
# mild/lsgan/d/g0 2x1x5x6 0.0278376212 -0.014221927 -0.0360322058 -0.0430780749 -0.0320437421 -0.0224356309 -0.0324210276 0.0165175756
# mild/lsgan/d/g1 2x1x5x6 0.0193019195 -0.0207265073 0.0213551382 -0.0133039395 -0.0233937363 0.0257973433 -0.0243919134 -0.0109311988
# mild/lsgan/g/loss 1 2.40930056 -0.62171217 2.40930056
# mild/lsgan/g/g0 2x1x5x6 0.0517397393 -0.0526557009 0.00937694311 -0.0599412123 -0.0801208059 0.0182613532 -0.0821171602 -0.0551957309
# mild/hinge/d/loss 1 1.19851936 -0.309274021 1.19851936
# mild/hinge/d/g0 2x1x5x6 0.00753080095 -0.00329635273 -0.00833333333 -0.00833333333 -0.00833333333 -0.00833333333 -0.00833333333 -0
# mild/hinge/d/g1 2x1x5x6 0.00713624032 -0.00501861342 0.00833333333 0.00833333333 0 0.00833333333 0 0.00833333333
# mild/hinge/g/loss 1 0.0340349042 -0.00878259629 0.0340349042
# mild/hinge/g/g0 2x1x5x6 0.0166666667 -0.0056013431 -0.0166666667 -0.0166666667 -0.0166666667 -0.0166666667 -0.0166666667 -0.0166666667
# confident/vanilla/d/loss 1 27.8310175 -7.1817035 27.8310175
# confident/vanilla/d/g0 2x1x5x6 0.00588356672 5.49547189e-05 0 -0.00833333333 0 0 -0.00833333333 0
# confident/vanilla/d/g1 2x1x5x6 0.00627304611 0.00467201135 1.39240812e-45 3.16635518e-19 1.52404543e-27 0.00833064285 1.27582668e-11 0.00833333333
# confident/vanilla/g/loss 1 24.9668767 -6.4426213 24.9668767
# confident/vanilla/g/g0 2x1x5x6 0.0109697305 0.0037426796 -0.0166666667 -0.0166666667 -0.0166666667 -5.38097552e-06 -0.0166666666 0
# confident/lsgan/d/loss 1 4670.0469 -1205.09041 4670.0469
# confident/lsgan/d/g0 2x1x5x6 1.18391002 0.502302944 1.76234805 -1.8175251 1.88898799 1.42414068 -0.409275881 1.79799105
# confident/lsgan/d/g1 2x1x5x6 1.09216646 0.752764453 -1.64163005 -0.630150731 -0.949348958 0.133966223 -0.338289165 0.927469254
# confident/lsgan/g/loss 1 4284.26988 -1105.5419 4284.26988
# confident/lsgan/g/g0 2x1x5x6 2.18181114 1.49432622 -3.31659342 -1.2936348 -1.93203125 0.234599113 -0.709911664 1.82160517
# confident/hinge/d/loss 1 28.3616816 -7.31863965 28.3616816
# confident/hinge/d/g0 2x1x5x6 0.00589255651 0.000239401842 -0 -0.00833333333 -0 -0 -0.00833333333 -0
# confident/hinge/d/g1 2x1x5x6 0.00627310544 0.00467574006 0 0 0 0.00833333333 0 0.00833333333
# confident/hinge/g/loss 1 5.45469087 1.40756523 -5.45469087
# confident/hinge/g/g0 2x1x5x6 0.0166666667 -0.0056013431 -0.0166666667 -0.0166666667 -0.0166666667 -0.0166666667 -0.0166666667 -0.0166666667
# l1/loss 1 0.653798659 -0.168710617 0.653798659
# l1/g0 2x3x5x4 0.00833333333 -0.00379904839 0.00833333333 0.00833333333 0.00833333333 0.00833333333 -0.00833333333 0.00833333333
# adam/moved1 3x7 0.000199999928 6.18956155e-05 0.000199999975 0.000199999973 -0.000199999591 -0.000199999967 -0.000199999965 -0.000199999953
# adam/moved2 3x7 0.000291766612 2.59408521e-05 0.000188673921 0.000113634433 -1.84303304e-05 -0.000386143801 -0.000364554703 -0.000116616654
# adam/moved3 3x7 0.000371675307 2.53473538e-06 0.0002215098 -2.85772484e-05 -3.17203087e-05 -0.000353653507 -0.000568797659 5.65040948e-05
# adam_tiny/moved1 3x7 0.000154463641 5.09434197e-05 0.000128406704 0.00018031247 0.000170554699 -0.000179265791 0.000179581249 -3.44276843e-05
# adam_tiny/moved2 3x7 0.000234321469 2.84666614e-05 0.000292264218 0.000185648161 0.000312237461 -0.000346690428 0.00017685029 -8.95988859e-05
# adam_tiny/moved3 3x7 0.000241126629 7.55792715e-05 0.000185139911 9.60429484e-05 0.000343201231 -0.00037696443 0.0001386905 -0.000164834755
