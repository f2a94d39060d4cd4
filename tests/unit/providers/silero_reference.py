#!/usr/bin/env python3
"""Writes silero_reference.txt: what ONNX Runtime computes for every frame of a prompt.

    pip install onnxruntime numpy
    ./silero_reference.py ~/.cache/parley/models/silero_vad.onnx basic-pbx-ivr-main > silero_reference.txt
"""
import subprocess
import sys

import numpy
import onnxruntime

model, prompt = sys.argv[1:]
sound = f"/usr/share/asterisk/sounds/en_US_f_Allison/{prompt}.g722"
raw = subprocess.run(["ffmpeg", "-v", "error", "-i", sound, "-f", "f32le", "-ac", "1", "-ar", "16000", "-"],
                     check=True, capture_output=True).stdout
samples = numpy.frombuffer(raw, dtype=numpy.float32)
session = onnxruntime.InferenceSession(model)
state = numpy.zeros((2, 1, 128), numpy.float32)
context = numpy.zeros((1, 64), numpy.float32)
print(f"# {prompt}, ONNX Runtime {onnxruntime.__version__}: the probability of speech in every 512 samples")
for at in range(0, len(samples) - 511, 512):
    window = numpy.concatenate([context, samples[None, at:at + 512]], axis=1)
    out, state = session.run(None, {"input": window, "state": state, "sr": numpy.array(16000, numpy.int64)})
    context = window[:, -64:]
    print(f"{out[0, 0]:.6f}")
