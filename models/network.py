"""The demo detector: a small convolutional network without anchors.

A plain residual backbone, a feature pyramid over strides 8, 16 and 32, and one head that all
three levels share. At each point of each level the head says how far the four sides of a box
are away, and how sure it is of each class. `decode` turns both into the layout that
YOLOv8 made common: (batch, 4 + classes, points), boxes as centre and size in input pixels,
classes as probabilities.
"""

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
# The largest log distance of a side from its point, in strides: e^5 is wider than any input.
MAX_LOG_DISTANCE = 5.0


class Conv(nn.Module):
    """Convolution, batch normalisation, ReLU. ReLU, because runtimes fuse it with the convolution."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.relu = relu

    def forward(self, x):
        x = self.norm(self.conv(x))
        return F.relu(x) if self.relu else x

    def fused(self):
        """The same function as one convolution with a bias."""
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        conv = nn.Conv2d(self.conv.in_channels, self.conv.out_channels, self.conv.kernel_size,
                         self.conv.stride, self.conv.padding, groups=self.conv.groups)
        conv.weight.data = self.conv.weight * gain[:, None, None, None]
        conv.bias.data = self.norm.bias - self.norm.running_mean * gain
        return nn.Sequential(conv, nn.ReLU()) if self.relu else conv


class Residual(nn.Module):
    """Two convolutions with a shortcut."""

    def __init__(self, channels, inner):
        super().__init__()
        self.first = Conv(channels, inner)
        self.second = Conv(inner, channels, relu=False)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


def separable(inputs, outputs):
    """A 3x3 convolution split into a spatial and a channel part: a ninth of the work."""
    return nn.Sequential(Conv(inputs, inputs, groups=inputs, relu=False), Conv(inputs, outputs, 1))


class Detector(nn.Module):
    def __init__(self, classes, width=48):
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 12, stride=2), Conv(12, 20, stride=2), Residual(20, 12))
        self.level8 = nn.Sequential(Conv(20, 40, stride=2), Residual(40, 24), Residual(40, 24))
        self.level16 = nn.Sequential(Conv(40, 64, stride=2), Residual(64, 40), Residual(64, 40))
        self.level32 = nn.Sequential(Conv(64, 80, stride=2), Residual(80, 48), Residual(80, 48))
        self.across = nn.ModuleList([Conv(40, width, 1), Conv(64, width, 1), Conv(80, width, 1)])
        self.down = nn.ModuleList([Conv(width, width, stride=2, groups=width, relu=False) for _ in "ab"])
        self.merge = nn.ModuleList([separable(width, width) for _ in STRIDES])
        self.box = nn.Sequential(separable(width, width), separable(width, width), nn.Conv2d(width, 4, 1))
        self.score = nn.Sequential(
            separable(width, width), separable(width, width), nn.Conv2d(width, classes, 1))
        self.log_scale = nn.Parameter(torch.full((len(STRIDES),), 1.0))
        nn.init.constant_(self.score[-1].bias, -4.6)  # p = 0.01: nearly every point is background

    def pyramid(self, x):
        """Features at strides 8, 16 and 32, each combined with the other two."""
        c8 = self.level8(self.stem(x))
        c16 = self.level16(c8)
        c32 = self.level32(c16)
        p8, p16, p32 = (layer(c) for layer, c in zip(self.across, (c8, c16, c32)))
        p16 = p16 + F.interpolate(p32, scale_factor=2.0, mode="nearest")
        p8 = self.merge[0](p8 + F.interpolate(p16, scale_factor=2.0, mode="nearest"))
        p16 = self.merge[1](p16 + self.down[0](p8))
        p32 = self.merge[2](p32 + self.down[1](p16))
        return p8, p16, p32

    def raw(self, x):
        """Log distances (batch, points, 4) in strides and class logits (batch, points, classes)."""
        sides, logits = [], []
        for level, features in enumerate(self.pyramid(x)):
            sides.append((self.box(features) + self.log_scale[level]).flatten(2))
            logits.append(self.score(features).flatten(2))
        sides = torch.cat(sides, 2).clamp(-MAX_LOG_DISTANCE, MAX_LOG_DISTANCE)
        return sides.transpose(1, 2), torch.cat(logits, 2).transpose(1, 2)

    def forward(self, x):
        return decode(*self.raw(x), *points(x.shape[2], x.shape[3]))


def points(height, width):
    """The centres (points, 2) of all cells in input pixels, and the stride of each (points, 1)."""
    centres, strides = [], []
    for stride in STRIDES:
        y = (torch.arange(height // stride) + 0.5) * stride
        x = (torch.arange(width // stride) + 0.5) * stride
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), 2).reshape(-1, 2)
        centres.append(grid)
        strides.append(torch.full((len(grid), 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decode(sides, logits, centres, strides):
    """The head's raw output in YOLOv8's layout."""
    x1, y1, x2, y2 = corners(sides, centres, strides).unbind(2)
    boxes = torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], 1)
    return torch.cat([boxes, logits.sigmoid().transpose(1, 2)], 1)


def corners(sides, centres, strides):
    """Boxes x1, y1, x2, y2 in input pixels from log distances to the four sides."""
    distance = sides.exp() * strides
    return torch.cat([centres - distance[..., :2], centres + distance[..., 2:]], -1)


def fuse(module):
    """Folds every normalisation into its convolution, in place; outputs do not change."""
    for name, child in module.named_children():
        if isinstance(child, Conv):
            setattr(module, name, child.fused())
        else:
            fuse(child)
    return module
