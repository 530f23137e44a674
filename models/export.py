"""Exports a trained detector to ONNX and checks that the file gives the same results."""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import scenes
from network import Detector, decode, fuse, points

OPSET = 17
# The newest version that every ONNX Runtime since 1.15 supports.
IR_VERSION = 9
TOLERANCE = 5e-3


class Fixed(torch.nn.Module):
    """The detector for one input size: its grid is a constant of the graph."""

    def __init__(self, network, side):
        super().__init__()
        self.network, self.grid = network, points(side, side)

    def forward(self, x):
        return decode(*self.network.raw(x), *self.grid)


def metadata():
    """The metadata that programs need to use the file, with the keys that detectors commonly have."""
    side = scenes.INPUT_SIZE
    return {
        "description": "Moviola demo detector: coloured shapes, trained on synthetic scenes",
        "author": "The Moviola authors",
        "license": "MIT OR Apache-2.0",
        "version": "1",
        "task": "detect",
        "stride": "32",
        "batch": "1",
        "channels": "3",
        "imgsz": str([side, side]),
        "names": str(dict(enumerate(scenes.CLASSES))),
    }


@torch.no_grad()
def export(network, path):
    """Fuses, traces, adds metadata and checks. Modifies `network`."""
    network = network.eval().to(memory_format=torch.contiguous_format)
    reference = network(example_images())
    network = Fixed(fuse(network), scenes.INPUT_SIZE)
    torch.onnx.export(network, (example_images(),), str(path), input_names=["images"], output_names=["output0"],
                      opset_version=OPSET, do_constant_folding=True, dynamo=False)
    model = onnx.load(path)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "moviola", ""
    onnx.helper.set_model_props(model, metadata())
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    compare(reference, path)


def example_images():
    """A scene as the network's input."""
    picture, _, _ = scenes.letterbox(*scenes.scene(0))
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def compare(reference, path):
    """Fails unless ONNX Runtime gives the same numbers as PyTorch before fusing."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": example_images().numpy()})[0]
    wanted = reference.numpy()
    worst = np.abs(found - wanted).max(axis=(0, 2))
    print(f"{path}: {path.stat().st_size} bytes, output {found.shape}, "
          f"largest difference {worst[:4].max():.1e} pixels, {worst[4:].max():.1e} in score")
    if found.shape != wanted.shape or not worst.max() < TOLERANCE:
        raise SystemExit("ONNX Runtime and PyTorch disagree")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    network = Detector(len(scenes.CLASSES))
    network.load_state_dict(torch.load(arguments.weights))
    export(network, arguments.output)


if __name__ == "__main__":
    main()
