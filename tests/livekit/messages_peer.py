"""A peer of LiveKit's own SDK that does what it is told by data packets, and tells by data packets what has come to it.

    messages_peer.py IDENTITY ROOM AGENT     # with LIVEKIT_URL and the keys in the environment

What it is told is JSON under the topic "do": {"do": "text", "text": "hello"}; see the methods do_*. What it tells is JSON under
the topic "did", first {"ready": true} once AGENT can hear it. Long texts and bytes are told by length and SHA-256. It ends when
the agent leaves, or when it is removed or killed.
"""

import asyncio
import hashlib
import json
import os
import sys
import types

from caller import Caller, rtc
from livekit_server import LiveKitServer, die_with_parent


def digest(data):
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def pattern(size):
    return bytes((i * 7 + i // 256) % 256 for i in range(size))


class Peer:
    def __init__(self, identity, agent):
        self.agent = agent
        self.caller = Caller(identity, topics=("to peer", "lk.transcription"), byte_topics=("to peer",), on_event=self.happened)
        self.doing = set()

    def tell(self, **fields):
        self.spawn(self.caller.send_data(json.dumps(fields).encode(), topic="did", to=[self.agent]))

    def spawn(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.doing.add(task)
        task.add_done_callback(self.doing.discard)

    def happened(self, event):
        if event.name == "data_received" and event.topic == "do":
            command = json.loads(event.data)
            self.spawn(getattr(self, "do_" + command.pop("do"))(**command))
        elif event.name == "data_received":
            self.tell(data=event.data.decode(), topic=event.topic, sender=event.identity)
        elif event.name == "sip_dtmf_received":
            self.tell(digit=event.digit, sender=event.identity)
        elif event.name == "transcription_received":
            self.tell(transcription=event.list)
        elif event.name == "text":
            text = next(t for t in self.caller.texts if t.id == event.id)
            self.tell(text=digest(text.text.encode()), sender=text.sender, topic=text.topic, id=text.id, attributes=text.attributes,
                      ended=text.ended, begins=text.text[:100])
        elif event.name == "bytes":
            stream = next(b for b in self.caller.bytes if b.id == event.id)
            self.tell(bytes=digest(stream.data), sender=stream.sender, name=stream.info.name, mime_type=stream.info.mime_type,
                      size=stream.info.size, attributes=stream.attributes, ended=stream.ended)

    async def do_text(self, text, times=1, **options):
        await self.caller.send_text(text * times, "to agent", to=[self.agent], **options)

    async def do_pieces(self, pieces, attributes, last_attributes, pause_s=0.0):
        writer = await self.caller.room.local_participant.stream_text(topic="to agent", attributes=attributes,
                                                                      destination_identities=[self.agent])
        for piece in pieces:
            await writer.write(piece)
            await asyncio.sleep(pause_s)
        await writer.aclose(attributes=last_attributes)

    async def do_begin(self, text):
        """A stream that is never ended."""
        self.begun = await self.caller.room.local_participant.stream_text(topic="to agent", destination_identities=[self.agent])
        await self.begun.write(text)

    async def do_bytes(self, size, name, mime_type):
        await self.caller.room.local_participant.send_bytes(pattern(size), topic="to agent", name=name, mime_type=mime_type,
                                                            destination_identities=[self.agent])

    async def do_data(self, text, topic, reliable):
        await self.caller.send_data(text.encode(), topic, to=[self.agent], reliable=reliable)

    async def do_publish(self):
        await self.caller.publish()

    async def do_dtmf(self, digits):
        await self.caller.dtmf(digits)

    async def do_rpc(self, method, payload="", times=1, timeout_s=10, to=None):
        try:
            answer = await self.caller.rpc(to or self.agent, method, payload * times, timeout_s)
            self.tell(answer=answer[:100], **digest(answer.encode()))
        except rtc.RpcError as error:
            self.tell(code=error.code, message=error.message, data=error.data)

    def answer_rpcs(self):
        def own_error(_):
            raise rtc.RpcError(4711, "no seats left", "row 12")

        def fails(_):
            raise ValueError("a secret")

        async def never(_):
            await asyncio.sleep(3600)

        self.caller.answer("echo", lambda call: f"{call.caller_identity}: {call.payload}")
        self.caller.answer("size", lambda call: "x" * int(call.payload))
        self.caller.answer("own error", own_error)
        self.caller.answer("fails", fails)
        self.caller.answer("never", never)


async def run(identity, room, agent):
    server = types.SimpleNamespace(key=os.environ["LIVEKIT_API_KEY"], secret=os.environ["LIVEKIT_API_SECRET"])
    peer = Peer(identity, agent)
    await peer.caller.join(os.environ["LIVEKIT_URL"], LiveKitServer.token(server, identity, room))
    peer.answer_rpcs()
    await peer.caller.until(lambda: peer.caller.active(agent), "the agent")
    peer.tell(ready=True)
    await peer.caller.until(lambda: peer.caller.disconnected or peer.caller.seen("participant_disconnected", identity=agent), "the end", 120)


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(run(*sys.argv[1:]))
