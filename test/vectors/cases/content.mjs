// Content of all types, and headers that are sealed with it (7.3).
import { headerBlock, plaintextOf } from '../reference/envelope.mjs';
import { concat, EMPTY, fromHex, LP, u32, utf8 } from '../reference/notation.mjs';
import { alices, fixed } from '../world.mjs';
import { HELLO } from './book.mjs';

const PARSE = 'DECRYPT_FAILED:PARSE';
const REQUEST = 'POST /orders';
const asRequest = { kind: 'request', request: REQUEST };

const NOT_JSON = {
  'not JSON': utf8('hello'),
  'with a byte-order mark': utf8('\ufeff{}'),
  'two JSON values': utf8('{}{}'),
  'not UTF-8': fromHex('22ff22'),
};

export function contentFaults(book) {
  const contents = book.sealed ? { ...NOT_JSON, 'of no bytes': EMPTY } : NOT_JSON;
  for (const [what, content] of Object.entries(contents)) book.refuse(`content ${what}`, PARSE, { content });
}

export function contentCases(book) {
  for (const [what, content] of Object.entries(NOT_JSON)) {
    const name = `request: content ${what}`;
    book.accept(name, book.make(name, { ...asRequest, content }), asRequest);
  }
  if (!book.sealed) return;
  contentTypes(book);
  frames(book);
  sealedHeaders(book);
}

function contentTypes(book) {
  const text = utf8('grüße');
  const good = [
    ['JSON with another suffix', 'application/problem+json', HELLO],
    ['JSON in other letters, with parameters', 'Application/Vnd.Example+JSON ; charset=utf-8', HELLO],
    ['text', 'text/plain; charset=utf-8', text],
    ['binary', 'application/octet-stream', fixed('binary', 64)],
    ['without a type', '', text],
    ['of no bytes, and no JSON', 'text/plain', EMPTY],
    ['of no bytes, without a type', '', EMPTY],
    ['JSON under a type that is not', 'text/json', HELLO],
    ['JSON under a type that begins alike', 'application/jsonl', HELLO],
    ['JSON under a type that ends alike', 'application/xjson', HELLO],
    ['under a type with tab and beyond ASCII', 'text/plain;\tname="é"', text],
  ];
  for (const [what, contentType, content] of good) {
    const name = `content ${what}`;
    book.accept(name, book.make(name, { contentType, content }));
  }
  const [, contentType, content] = good[3];
  const name = 'request: content binary';
  book.accept(name, book.make(name, { ...asRequest, contentType, content }), asRequest);
  const suffix = { contentType: 'application/problem+json', content: utf8('hello') };
  book.refuse('content not JSON, with another suffix', PARSE, suffix);
}

const from = (book) => alices[book.version].did;

/** Plaintexts that do not begin as they must, signed by the sender. */
function frames(book) {
  const sender = utf8(from(book));
  const bad = {
    'ends behind the sender': LP(sender),
    'ends within the length of the content type': concat(LP(sender), u32(16).slice(0, 3)),
    'content type longer than the plaintext': concat(LP(sender), u32(1000), HELLO),
    'length of the content type 2^32 - 1': concat(LP(sender), u32(2 ** 32 - 1), HELLO),
    'content type not UTF-8': concat(LP(sender, fromHex('ff')), HELLO),
    'content type with a line feed': concat(LP(sender, utf8('text/plain\n')), HELLO),
    'content type with NUL': concat(LP(sender, utf8('text/plain\0')), HELLO),
    'content type with DEL': concat(LP(sender, utf8('text/plain\x7f')), HELLO),
  };
  for (const [what, plaintext] of Object.entries(bad))
    book.refuse(`frame: ${what}`, PARSE, {}, { plaintext });
  const message = plaintextOf({
    kind: 'message',
    from: from(book),
    contentType: 'text/plain',
    content: HELLO,
  });
  refuseRequest(book, 'frame: of a message, in a request', { plaintext: message });
}

const refuseRequest = (book, name, change) => book.refuse(name, PARSE, asRequest, change, asRequest);

function sealedHeaders(book) {
  const good = {
    'a tab, text beyond ASCII, no value': [
      ['x-note', 'a\tb'],
      ['x-city', 'Zürich'],
      ['x-empty', ''],
    ],
    'one twice, not sorted': [
      ['x-b', '1'],
      ['x-a', '2'],
      ['x-b', '3'],
    ],
    'names with all characters': [
      ["!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", 'x'],
      ['a'.repeat(256), 'x'],
    ],
  };
  for (const [what, headers] of Object.entries(good)) {
    const name = `headers: ${what}`;
    book.accept(name, book.make(name, { ...asRequest, headers }), asRequest, { withSteps: true });
  }
  const blocks = {
    'name with a capital': headerBlock([['X-Note', 'a']]),
    'name with a space': headerBlock([['x note', 'a']]),
    'name with a colon': headerBlock([['x:', 'a']]),
    'name beyond ASCII': headerBlock([['é', 'a']]),
    'empty name': headerBlock([['', 'a']]),
    'name of 257 characters': headerBlock([['a'.repeat(257), 'a']]),
    'value with a line feed': headerBlock([['x-note', 'a\nb']]),
    'value with a carriage return': headerBlock([['x-note', 'a\r']]),
    'value with NUL': headerBlock([['x-note', '\0']]),
    'value with DEL': headerBlock([['x-note', '\x7f']]),
    'value not UTF-8': LP(utf8('x-note'), fromHex('ff')),
    'name without a value': LP(utf8('x-note')),
    'value longer than the block': concat(LP(utf8('x-note')), u32(9), utf8('a')),
    'block ends within a length': concat(headerBlock([['x-note', 'a']]), fromHex('0000')),
  };
  for (const [what, block] of Object.entries(blocks)) {
    const plaintext = concat(LP(utf8(from(book)), utf8('application/json'), block), HELLO);
    refuseRequest(book, `headers: ${what}`, { plaintext });
  }
  const cut = concat(LP(utf8(from(book)), utf8('application/json')), u32(100), HELLO);
  refuseRequest(book, 'headers: block longer than the plaintext', { plaintext: cut });
}
