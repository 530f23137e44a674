"""Trains the demo detector on synthetic scenes and writes it as ONNX.

    python train.py --cache /tmp/moviola-scenes --output demo.onnx

The assigner follows "TOOD: Task-aligned One-stage Object Detection" (Feng et al., 2021), the box
loss "Distance-IoU Loss" (Zheng et al., 2020); both are written from the papers.
"""

import argparse
import math
import os
import time
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

import scenes
from export import export
from network import Detector, corners, points

MAX_OBJECTS = 10
# Smaller images first, because most is learned there at less cost.
SCHEDULE = ((0.55, 224), (0.8, 288), (1.0, 320))
RESUMED_SCHEDULE = ((0.5, 256), (1.0, 320))


def prepare(seed):
    """One letterboxed training scene with its labels padded to a fixed count."""
    cv2.setNumThreads(1)
    picture, labels, _ = scenes.letterbox(*scenes.scene(seed))
    padded = np.full((MAX_OBJECTS, 5), -1, np.float32)
    padded[:len(labels)] = labels
    return picture, padded


def load_scenes(folder, seeds, workers):
    """Images and labels of a range of seeds, drawn once and kept on disk between runs."""
    side, count, name = scenes.INPUT_SIZE, len(seeds), f"{seeds.start}-{seeds.stop}"
    pictures_path, labels_path = folder / f"{name}.pictures", folder / f"{name}.labels.npy"
    shape = (count, side, side, 3)
    if labels_path.exists():
        return np.memmap(pictures_path, np.uint8, "r", shape=shape), np.load(labels_path)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = np.memmap(pictures_path, np.uint8, "w+", shape=shape)
    labels = np.empty((count, MAX_OBJECTS, 5), np.float32)
    with Pool(workers) as pool:
        for index, (picture, padded) in enumerate(pool.imap(prepare, seeds, chunksize=32)):
            pictures[index], labels[index] = picture, padded
    np.save(labels_path, labels)
    return pictures, labels


def augment(rng, picture, labels):
    """Mirrors, transposes and recolours: 96 images from one, with exact boxes."""
    side, present = picture.shape[0], labels[:, 0] >= 0
    boxes = labels[:, 1:].copy()
    if rng.random() < 0.5:
        picture, boxes = picture[:, ::-1], boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [side, 0, side, 0]
    if rng.random() < 0.5:
        picture, boxes = picture[::-1], boxes[:, [0, 3, 2, 1]] * [1, -1, 1, -1] + [0, side, 0, side]
    if rng.random() < 0.5:
        picture, boxes = picture.transpose(1, 0, 2), boxes[:, [1, 0, 3, 2]]
    picture = picture[..., rng.permutation(3)]
    if rng.random() < 0.2:
        # Keeps the padding's value nearly the same, because it is not part of any class.
        picture = 255 - picture
    labels = labels.copy()
    labels[present, 1:] = boxes[present]
    return picture, labels


def batch(rng, pictures, labels, chosen, side):
    """An input tensor of the given size and its labels, from the chosen scenes."""
    inputs, targets = np.empty((len(chosen), side, side, 3), np.uint8), []
    for slot, index in enumerate(chosen):
        picture, target = augment(rng, pictures[index], labels[index])
        if side != picture.shape[0]:
            picture = cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=cv2.INTER_AREA)
            target[:, 1:] *= side / scenes.INPUT_SIZE
        inputs[slot] = picture
        targets.append(target)
    inputs = torch.from_numpy(inputs).permute(0, 3, 1, 2).float() / 255
    return inputs.contiguous(memory_format=torch.channels_last), torch.from_numpy(np.stack(targets))


def overlap(a, b, complete=False):
    """IoU of boxes of broadcastable shapes, or CIoU, which also has a gradient for boxes that do not overlap."""
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    iou = shared / (size_a.prod(-1) + size_b.prod(-1) - shared + 1e-7)
    if not complete:
        return iou
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    distance = apart.pow(2).sum(-1) / (hull.pow(2).sum(-1) + 1e-7)
    angle_a = torch.atan(size_a[..., 0] / (size_a[..., 1] + 1e-7))
    angle_b = torch.atan(size_b[..., 0] / (size_b[..., 1] + 1e-7))
    shape = 4 / math.pi**2 * (angle_a - angle_b).pow(2)
    with torch.no_grad():
        weight = shape / (1 - iou + shape + 1e-7)
    return iou - distance - weight * shape


@torch.no_grad()
def assign(boxes, scores, targets, centres, topk=10, alpha=0.5, beta=6.0):
    """The object that each point should predict: class targets (batch, points, classes) and boxes.

    A point's alignment with an object is score^alpha * IoU^beta; each object takes the `topk`
    best of the points inside it, a contested point goes to the object it overlaps most. The
    class target is the alignment, scaled so that an object's best point aims at its IoU.
    """
    names, wanted = targets[..., 0], targets[..., 1:]
    present = names >= 0
    inside = ((centres > wanted[:, :, None, :2]) & (centres < wanted[:, :, None, 2:])).all(-1)
    inside &= present[..., None]
    iou = overlap(wanted[:, :, None], boxes[:, None]).clamp(min=0)
    index = names.clamp(min=0).long()
    own = scores.transpose(1, 2).gather(1, index[..., None].expand(-1, -1, scores.shape[1]))
    alignment = own.pow(alpha) * iou.pow(beta) * inside
    best = alignment.topk(topk, -1)
    taken = torch.zeros_like(alignment).scatter_(-1, best.indices, 1.0).bool() & inside & (alignment > 0)
    taken &= torch.zeros_like(taken).scatter_(1, (iou * taken).argmax(1, keepdim=True), True)
    alignment = alignment * taken
    peak = alignment.amax(-1, keepdim=True).clamp(min=1e-9)
    aim = (alignment / peak * (iou * taken).amax(-1, keepdim=True)).amax(1)
    owner = taken.float().argmax(1)
    classes = F.one_hot(index.gather(1, owner), scores.shape[2]) * aim[..., None]
    chosen = wanted.gather(1, owner[..., None].expand(-1, -1, 4))
    return classes, chosen


def loss_of(sides, logits, targets, grid):
    """Classification plus twice the box loss, both per unit of class target."""
    centres, strides = grid
    boxes = corners(sides, centres, strides)
    classes, wanted = assign(boxes.detach(), logits.detach().sigmoid(), targets, centres)
    weight = classes.sum(-1)
    total = weight.sum().clamp(min=1.0)
    score_loss = F.binary_cross_entropy_with_logits(logits, classes, reduction="sum") / total
    hit = weight > 0
    box_loss = ((1 - overlap(boxes[hit], wanted[hit], complete=True)) * weight[hit]).sum() / total
    return score_loss + 2.0 * box_loss, score_loss.item(), box_loss.item()


class Average:
    """The moving average of a network's weights, which varies less than the last step's."""

    def __init__(self, network):
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.steps = 0

    def update(self, network):
        self.steps += 1
        keep = 0.998 * (1 - math.exp(-self.steps / 300))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].mul_(keep).add_(value, alpha=1 - keep)


def learning_rate(progress, peak):
    """The learning rate: a short warm-up, then half a cosine down to a hundredth."""
    if progress < 0.03:
        return peak * progress / 0.03
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def optimiser_for(network):
    """AdamW without weight decay of biases and normalisation gains."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.03}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def train(arguments):
    """Trains on a fixed number of images; returns the averaged network."""
    rng = np.random.default_rng(arguments.seed)
    torch.manual_seed(arguments.seed)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.scenes)
    pictures, labels = load_scenes(arguments.cache, seeds, arguments.workers)
    network = Detector(len(scenes.CLASSES)).to(memory_format=torch.channels_last)
    if arguments.resume:
        network.load_state_dict(torch.load(arguments.resume))
    schedule = RESUMED_SCHEDULE if arguments.resume else SCHEDULE
    average, optimiser = Average(network), optimiser_for(network)
    steps, start = arguments.pictures // arguments.batch, time.time()
    order = np.empty(0, int)
    for step in range(steps):
        if len(order) < arguments.batch:
            order = rng.permutation(len(pictures))
        chosen, order = order[:arguments.batch], order[arguments.batch:]
        side = next(side for until, side in schedule if step < until * steps)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step / steps, arguments.rate)
        inputs, targets = batch(rng, pictures, labels, chosen, side)
        with torch.autocast("cpu", torch.bfloat16, enabled=not arguments.full_precision):
            sides, logits = network.raw(inputs)
        loss, score_loss, box_loss = loss_of(sides.float(), logits.float(), targets, points(side, side))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        average.update(network)
        if step % 50 == 0:
            print(f"{step}/{steps} side {side} score {score_loss:.3f} box {box_loss:.3f} "
                  f"{time.time() - start:.0f} s", flush=True)
        if step % 500 == 499:
            torch.save(average.state, arguments.weights)
    network.load_state_dict(average.state)
    torch.save(average.state, arguments.weights)
    return network.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the drawn scenes")
    parser.add_argument("--output", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--weights", type=Path, default=Path("/tmp/moviola-demo.pt"))
    parser.add_argument("--resume", type=Path, help="weights to go on from")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=12_000)
    parser.add_argument("--pictures", type=int, default=60_000, help="to learn from, repeats counted")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--full-precision", action="store_true", help="f32 instead of bf16")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    export(train(arguments), arguments.output)


if __name__ == "__main__":
    main()
