// The page's reader of server-sent events, without a browser: the same events wherever the stream is cut into pieces.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

// As a browser takes it: a module, whatever its name.
const { EventParser } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(process.argv[2], 'utf8'))}`);
const stream = ': hello\n\nretry: 3000\n\nid: 1\nevent: a\ndata: {"x":1}\n\nid: 2\r\nevent: error\r\ndata: one\r\ndata:two\r\n\r\n' +
  'event: nothing\n\nid: 3\ndata: three\r\r: keep-alive\n\nid: 4\ndata: cut off\n';
const expected = [
  { id: '1', type: 'a', data: '{"x":1}' },
  { id: '2', type: 'error', data: 'one\ntwo' },
  { id: '3', type: 'message', data: 'three' },
];

for (let first = 0; first < stream.length; ++first) {
  for (let second = first; second < stream.length; second += 7) {
    const parser = new EventParser();
    parser.begin();
    const pieces = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)];
    assert.deepEqual(pieces.flatMap((piece) => [...parser.feed(piece)]), expected, `cut at ${first} and ${second}`);
    assert.deepEqual([parser.lastId, parser.retryMs], ['3', 3000]);
    parser.begin();
    assert.deepEqual([...parser.feed('data: new\n\n')], [{ id: '3', type: 'message', data: 'new' }], 'what was cut off is dropped');
  }
}
