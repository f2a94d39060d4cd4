"""Sound as arrays of 16-bit samples, mono, 48 kHz: what a caller says, and what it has heard."""

import time
import wave

import numpy

RATE_HZ = 48000
FRAME_SAMPLES = RATE_HZ // 100  # 10 ms
LOUD = 300  # RMS of a frame that is not silence: -41 dBFS
MAX_SAMPLES = 20 * 60 * RATE_HZ


def tone(frequency_hz, seconds, amplitude=8000):
    t = numpy.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * numpy.sin(2 * numpy.pi * frequency_hz * t)).astype(numpy.int16)


def silence(seconds):
    return numpy.zeros(int(seconds * RATE_HZ), numpy.int16)


def read_wav(path):
    """16-bit PCM of any rate; of several channels the first."""
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path} has {8 * file.getsampwidth()} bits a sample; this reads 16")
        samples = numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)[:: file.getnchannels()]
        rate = file.getframerate()
    if rate == RATE_HZ:
        return samples
    times = numpy.arange(int(len(samples) * RATE_HZ / rate)) * rate / RATE_HZ
    return numpy.interp(times, numpy.arange(len(samples)), samples).astype(numpy.int16)


def write_wav(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def level(samples):
    """RMS."""
    return float(numpy.sqrt(numpy.mean(samples.astype(float) ** 2))) if len(samples) else 0.0


def pitch_hz(samples):
    """The strongest frequency."""
    window = samples[-RATE_HZ:] * numpy.hanning(min(len(samples), RATE_HZ))
    return float(numpy.argmax(numpy.abs(numpy.fft.rfft(window))) * RATE_HZ / len(window))


class Heard:
    """What has come from one participant, frame by frame, with the time of each: at most 20 minutes of it."""

    def __init__(self):
        self.frames = []
        self.times = []  # of time.monotonic()
        self.loud_at = None  # when the first frame came that is not silence
        self.last_loud_at = None

    def add(self, samples):
        now = time.monotonic()
        if len(self.frames) * FRAME_SAMPLES < MAX_SAMPLES:
            self.frames.append(samples)
            self.times.append(now)
        if level(samples) >= LOUD:
            self.loud_at = self.loud_at or now
            self.last_loud_at = now

    def samples(self, since=0.0):
        """All of it, or what came after this time of time.monotonic()."""
        chosen = [frame for frame, at in zip(self.frames, self.times) if at >= since]
        return numpy.concatenate(chosen) if chosen else silence(0)
