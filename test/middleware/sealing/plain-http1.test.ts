import { describe, expect, test } from '@jest/globals';
import { PlainHttp1 } from '../../../src/middleware/sealing/plain-http1.js';

/** What is found in pieces: bytes of a body that come together are one entry. */
function found(pieces: readonly (string | Uint8Array)[], close = false): string[] {
  const seen: string[] = [];
  const plain = new PlainHttp1({
    interim: (bytes) => void seen.push(`interim ${Buffer.from(bytes).toString()}`),
    head: ({ status, headers }) =>
      void seen.push(`${status} ${headers.map((pair) => pair.join('=')).join('&')}`),
    body: (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      if (seen.at(-1)?.startsWith('body ')) seen.push(`${seen.pop()}${text}`);
      else seen.push(`body ${text}`);
    },
    end: () => void seen.push('end'),
    trailers: () => void seen.push('trailers'),
  });
  for (const piece of pieces) plain.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  if (close) plain.close();
  return seen;
}

const RESPONSES: readonly [name: string, text: string, expected: readonly string[], close?: boolean][] = [
  [
    'of a length',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\n\r\nhello',
    ['200 Content-Length=5&X=1', 'body hello', 'end'],
  ],
  ['of no length', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ['200 content-length=0', 'end']],
  [
    'in chunks',
    'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nB\r\n, it is me.\r\n0\r\n\r\n',
    ['201 Transfer-Encoding=chunked', 'body hello, it is me.', 'end'],
  ],
  [
    'in chunks that look like heads',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n',
    ['200 Transfer-Encoding=gzip, Chunked', 'body \r\n\r\n', 'end'],
  ],
  [
    'in chunks, with trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nDigest: x\r\n\r\n',
    ['200 Transfer-Encoding=chunked', 'body a', 'trailers', 'end'],
  ],
  [
    'until the connection closes',
    'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nabc\r\n\r\ndef',
    ['200 Connection=close', 'body abc\r\n\r\ndef', 'end'],
    true,
  ],
  ['until the connection closes, empty', 'HTTP/1.1 200 OK\r\n\r\n', ['200 ', 'end'], true],
  ['without content', 'HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n', ['204 X=1', 'end']],
  [
    'not modified, of the length that it would have had',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    ['304 Content-Length=5', 'end'],
  ],
  [
    'behind interim ones',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na',
    [
      'interim HTTP/1.1 100 Continue\r\n\r\n',
      'interim HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
      '200 Content-Length=1',
      'body a',
      'end',
    ],
  ],
  [
    'with headers of all kinds',
    'HTTP/1.1 200 Sí, claro\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Time: 12:30: now\r\nX-Empty: \r\nX-Latin: \xe9\r\nContent-Length: 0\r\n\r\n',
    ['200 Set-Cookie=a=1&Set-Cookie=b=2&X-Time=12:30: now&X-Empty=&X-Latin=\xe9&Content-Length=0', 'end'],
  ],
];

describe.each(RESPONSES)('a response %s', (_, text, expected, close = false) => {
  test('is read as it was written, in whatever pieces it comes', () => {
    expect(found([text], close)).toEqual(expected);
    expect(found([...text], close)).toEqual(expected);
    for (let at = 0; at <= text.length; at++)
      expect([at, found([text.slice(0, at), text.slice(at)], close)]).toEqual([at, expected]);
  });
});

test.each([
  ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n'],
  ['in its head', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n'],
])('a response %s that is cut off has no end, also when the connection closes', (_, text) => {
  expect(found([text], true)).not.toContain('end');
});

test('bytes behind the end are nobody’s', () => {
  expect(found(['HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc', 'def'])).toEqual([
    '200 Content-Length=1',
    'body a',
    'end',
  ]);
});

test('a long body is not searched again for each piece', () => {
  const piece = Buffer.alloc(65_536, 13); // nothing but CR
  const pieces = Array.from({ length: 200 }, () => piece);
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${200 * piece.length}\r\n\r\n`;
  const seen: number[] = [];
  const plain = new PlainHttp1({
    interim: () => {},
    head: () => {},
    body: (bytes) => void seen.push(bytes.length),
    end: () => void seen.push(-1),
    trailers: () => {},
  });
  plain.push(Buffer.from(head));
  for (const one of pieces) plain.push(one);
  expect(seen).toEqual([...pieces.map(({ length }) => length), -1]);
});
