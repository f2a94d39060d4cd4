#!/usr/bin/env python3
"""A participant of a LiveKit room that shares no code with Parley: LiveKit's own SDK, driven by a test.

    caller = Caller("caller")
    await caller.join(server.url, server.token("caller", room="lobby"))
    await caller.publish()
    await caller.until(lambda: caller.hears("agent"), "the greeting")
    await caller.say(tone(440, 1.0))
    await caller.leave()

caller.py IDENTITY ROOM [--play WAV] [--record FOLDER] does so as a process, with LIVEKIT_URL and the keys from its
environment: each event is a line of JSON on its output, each line of JSON on its input a command (see `obey`). The end of its
input is a leave; killed, it goes without a word.

The SDK offers no candidate of loopback: it reaches a server on 127.0.0.1 from the address of any other interface. In a network
namespace give it one: `ip link add d0 type bridge; ip addr add 10.77.0.1/24 dev d0; ip link set d0 up`.
"""

import argparse
import asyncio
import inspect
import json
import os
import pathlib
import sys
import time
import types

sys.dont_write_bytecode = True  # the SDK's folder in the cache stays as it was installed
sys.path.insert(1, os.environ.get("PARLEY_LIVEKIT_SDK") or str(
    pathlib.Path(os.environ.get("PARLEY_CACHE") or
                 pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "parley") / "livekit-python-sdk-1.2.1"))

import numpy  # noqa: E402

from livekit import rtc  # noqa: E402
from livekit_server import LiveKitServer  # noqa: E402
from sound import FRAME_SAMPLES, RATE_HZ, Heard, read_wav, write_wav  # noqa: E402

DTMF_CODES = {digit: code for code, digit in enumerate("0123456789*#ABCD")}


class Event(types.SimpleNamespace):
    """`name` is the SDK's name of the event, `at` the time of time.monotonic(); the rest by name: identity, sid, reason, ..."""


class Text(types.SimpleNamespace):
    """A text stream: topic, sender, id, attributes, text so far, times (of each chunk), and ended: None, "whole" or an error."""


class Caller:
    """One participant and all that happened to it. Everything is kept; a test asks by until()."""

    TOPICS = ("lk.transcription", "lk.chat")
    WITHIN_S = 10
    QUEUED_MS = 50  # of what it says: how far the microphone is ahead

    def __init__(self, identity, topics=TOPICS, byte_topics=(), on_event=None):
        self.identity = identity
        self.events = []
        self.texts = []
        self.bytes = []  # as texts, with `data` and `info`
        self.heard = {}  # by identity
        self.disconnected = None  # the reason's name, once it is
        self.room = rtc.Room()
        self._on_event = on_event
        self._changed = asyncio.Event()
        self._tasks = set()
        self._to_say = asyncio.Queue()
        for name in ("participant_connected", "participant_disconnected", "participant_active", "local_track_subscribed",
                     "track_published", "track_unpublished", "track_subscribed", "track_unsubscribed", "track_muted",
                     "track_unmuted", "active_speakers_changed", "participant_attributes_changed", "data_received",
                     "sip_dtmf_received", "transcription_received", "connection_state_changed", "reconnecting", "reconnected",
                     "disconnected", "moved"):
            self.room.on(name, lambda *arguments, name=name: self._note(name, *arguments))
        self.room.on("track_subscribed", self._listen)
        for topic in topics:
            self.room.register_text_stream_handler(topic, lambda reader, sender: self._task(self._read_text(reader, sender)))
        for topic in byte_topics:
            self.room.register_byte_stream_handler(topic, lambda reader, sender: self._task(self._read_bytes(reader, sender)))

    # --- what it does ------------------------------------------------------------------------------------------------
    async def join(self, url, token, **options):
        await asyncio.wait_for(self.room.connect(url, token, rtc.RoomOptions(**options)), self.WITHIN_S)

    async def publish(self, name="microphone"):
        """Publishes a microphone that is silent until say(); its publication."""
        source = rtc.AudioSource(RATE_HZ, 1, self.QUEUED_MS)
        track = rtc.LocalAudioTrack.create_audio_track(name, source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await asyncio.wait_for(self.room.local_participant.publish_track(track, options), self.WITHIN_S)
        self._task(self._speak(source))
        return publication

    async def say(self, what):
        """Samples, or the path of a WAV; returns when it is said."""
        samples = what if isinstance(what, numpy.ndarray) else read_wav(what)
        said = asyncio.get_running_loop().create_future()
        self._to_say.put_nowait((samples, said))
        await said

    async def send_text(self, text, topic="lk.chat", to=None, **options):
        return await self.room.local_participant.send_text(text, topic=topic, destination_identities=to, **options)

    async def send_bytes(self, data, topic, to=None, **options):
        return await self.room.local_participant.send_bytes(data, topic=topic, destination_identities=to, **options)

    async def send_data(self, data, topic="", to=(), reliable=True):
        await self.room.local_participant.publish_data(data, reliable=reliable, destination_identities=list(to), topic=topic)

    async def rpc(self, to, method, payload="", timeout_s=WITHIN_S):
        """The answer; rtc.RpcError with `code` when there is none."""
        return await self.room.local_participant.perform_rpc(destination_identity=to, method=method, payload=payload,
                                                             response_timeout=timeout_s)

    def answer(self, method, function):
        """`function` of the invocation (caller_identity, payload, ...) answers this RPC; it may be a coroutine function."""
        async def answered(invocation):
            done = function(invocation)
            return await done if inspect.isawaitable(done) else done

        self.room.local_participant.register_rpc_method(method, answered)

    async def dtmf(self, digits):
        for digit in digits:
            await self.room.local_participant.publish_dtmf(code=DTMF_CODES[digit], digit=digit)

    async def leave(self):
        """As a caller who hangs up."""
        await asyncio.wait_for(self.room.disconnect(), self.WITHIN_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what it has seen --------------------------------------------------------------------------------------------
    def present(self):
        """The identities of the others."""
        return sorted(self.room.remote_participants)

    def active(self, identity):
        """Whether its data channel is open: what is sent before may be lost."""
        participant = self.room.remote_participants.get(identity)
        return bool(participant) and participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE

    def attributes(self, identity):
        participant = self.room.remote_participants.get(identity)
        return dict(participant.attributes) if participant else {}

    def seen(self, name, **fields):
        """The events of this name whose fields are these."""
        return [e for e in self.events if e.name == name and all(getattr(e, k, None) == v for k, v in fields.items())]

    def hears(self, identity, since=0.0):
        """Whether something other than silence has come from there, after this time of time.monotonic()."""
        return identity in self.heard and (self.heard[identity].last_loud_at or -1.0) > since

    async def until(self, condition, what, within_s=WITHIN_S):
        """Waits until `condition()` is true, and returns its value."""
        deadline = time.monotonic() + within_s
        while True:
            found = condition()
            if found:
                return found
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                raise AssertionError(f"{self.identity}: {what} did not come within {within_s} s; seen: "
                                     + ", ".join(e.name for e in self.events[-20:])) from None

    async def received(self):
        """What WebRTC counts of each audio track that it receives: packetsLost, concealedSamples, ... by the SDK's names."""
        stats = await self.room.get_rtc_stats()
        return [each.inbound_rtp for each in [*stats.subscriber_stats, *stats.publisher_stats]
                if each.HasField("inbound_rtp") and each.inbound_rtp.stream.kind == "audio"]

    # --- inside ------------------------------------------------------------------------------------------------------
    def _task(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, name, *arguments):
        event = Event(name=name, at=time.monotonic(), **_fields(name, arguments))
        self.events.append(event)
        if name == "disconnected":
            self.disconnected = event.reason
        if self._on_event:
            self._on_event(event)
        self._changed.set()

    def _listen(self, track, _publication, participant):
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._task(self._hear(track, self.heard.setdefault(participant.identity, Heard())))

    async def _hear(self, track, heard):
        async for event in rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=10):
            heard.add(numpy.frombuffer(event.frame.data, numpy.int16).copy())
            self._changed.set()

    async def _speak(self, source):
        samples, said = numpy.zeros(0, numpy.int16), None
        while True:
            if not len(samples):
                if said and not said.done():
                    said.set_result(None)
                samples, said = (numpy.zeros(FRAME_SAMPLES, numpy.int16), None) if self._to_say.empty() else self._to_say.get_nowait()
            frame, samples = samples[:FRAME_SAMPLES], samples[FRAME_SAMPLES:]
            frame = numpy.pad(frame, (0, FRAME_SAMPLES - len(frame)))
            await source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE_HZ, 1, FRAME_SAMPLES))

    async def _read_text(self, reader, sender):
        info = reader.info
        text = Text(topic=info.topic, sender=sender, id=info.stream_id, attributes=dict(info.attributes or {}), text="", times=[],
                    began_at=time.monotonic(), ended=None)
        self.texts.append(text)
        self._changed.set()
        try:
            async for chunk in reader:
                text.text += chunk
                text.times.append(time.monotonic())
                self._changed.set()
            text.ended = "whole"
        except ConnectionError as error:
            text.ended = str(error)
        self._tell("text", text)

    async def _read_bytes(self, reader, sender):
        info = reader.info
        stream = Text(topic=info.topic, sender=sender, id=info.stream_id, attributes=dict(info.attributes or {}), data=b"", info=info,
                      ended=None)
        self.bytes.append(stream)
        try:
            async for chunk in reader:
                stream.data += chunk
            stream.ended = "whole"
        except ConnectionError as error:
            stream.ended = str(error)
        self._tell("bytes", stream)

    def _tell(self, name, stream):
        fields = {key: value for key, value in vars(stream).items() if isinstance(value, (str, dict))}
        self._note(name, fields)


def _fields(name, arguments):
    """What an event says, in plain values."""
    fields = {}
    for each in arguments:
        if isinstance(each, rtc.Participant):
            fields |= {"identity": each.identity, "kind": rtc.ParticipantKind.Name(each.kind)}
        elif isinstance(each, rtc.TrackPublication):
            fields |= {"sid": each.sid, "source": rtc.TrackSource.Name(each.source)}
        elif isinstance(each, rtc.DataPacket):
            fields |= {"data": each.data, "topic": each.topic, "identity": each.participant.identity if each.participant else ""}
        elif isinstance(each, rtc.SipDTMF):
            fields |= {"digit": each.digit, "identity": each.participant.identity if each.participant else ""}
        elif isinstance(each, dict):
            fields |= each if name in ("text", "bytes") else {"attributes": each}
        elif isinstance(each, list):
            fields["list"] = [getattr(item, "identity", None) or getattr(item, "text", None) for item in each]
        elif isinstance(each, int):
            fields |= {"reason": rtc.DisconnectReason.Name(each)} if name == "disconnected" else {"state": each}
    return fields


async def obey(caller, command):
    """One line of the input: {"say": "a.wav"}, {"text": "hello", "topic": "lk.chat"}, {"dtmf": "12#"},
    {"rpc": "method", "to": "agent", "payload": "..."}, {"answer": "method", "with": "..."}, {"leave": true}."""
    if "say" in command:
        await caller.say(command["say"])
    elif "text" in command:
        await caller.send_text(command["text"], command.get("topic", "lk.chat"))
    elif "dtmf" in command:
        await caller.dtmf(command["dtmf"])
    elif "rpc" in command:
        try:
            return {"answer": await caller.rpc(command["to"], command["rpc"], command.get("payload", ""))}
        except rtc.RpcError as error:
            return {"error": error.code, "message": error.message}
    elif "answer" in command:
        caller.answer(command["answer"], lambda _: command["with"])
    elif "leave" not in command:
        raise SystemExit(f"caller: no such command: {command}")
    return {}


def tell(name, **fields):
    print(json.dumps({"event": name} | fields, default=lambda data: data.decode(errors="replace")), flush=True)


async def run(arguments):
    server = types.SimpleNamespace(key=os.environ["LIVEKIT_API_KEY"], secret=os.environ["LIVEKIT_API_SECRET"])
    token = LiveKitServer.token(server, arguments.identity, arguments.room)
    caller = Caller(arguments.identity, on_event=lambda event: tell(**{k: v for k, v in vars(event).items() if k != "at"}))
    await caller.join(os.environ["LIVEKIT_URL"], token)
    await caller.publish()
    tell("joined", room=arguments.room)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    if arguments.play:
        await caller.say(arguments.play)
    while line := await lines.readline():
        command = json.loads(line)
        tell("done", command=command, **await obey(caller, command))
        if "leave" in command:
            break
    await caller.leave()
    for identity, heard in caller.heard.items() if arguments.record else ():
        write_wav(arguments.record / f"{identity}.wav", heard.samples())


def main():
    parser = argparse.ArgumentParser(description="A participant of a LiveKit room.")
    parser.add_argument("identity")
    parser.add_argument("room")
    parser.add_argument("--play", type=pathlib.Path, help="a WAV that is said at once")
    parser.add_argument("--record", type=pathlib.Path, help="a folder for what is heard: IDENTITY.wav of each")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
