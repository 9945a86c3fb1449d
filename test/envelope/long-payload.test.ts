import { beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { isXlinkError } from '../../src/errors/errors.js';
import { decodeBase64url, decodeBase64urlBytes, encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 151) % 256);

/** What comes of an envelope, or the refusal. */
function read(input: string | Uint8Array) {
  try {
    const { fields, bytes } = parseEnvelope(input);
    return { fields: { ...fields }, bytes };
  } catch (error) {
    if (!isXlinkError(error)) throw error;
    return { id: error.id, field: error.field };
  }
}

describe('an envelope with a long payload', () => {
  let made: string[];

  beforeAll(async () => {
    const registry = new MemoryTrustRegistry();
    const alice = await Agent.quickstart({ registry });
    const { did: to } = await Agent.quickstart({ registry });
    made = await Promise.all(
      [50_000, 50_001, 50_002].map(async (size) =>
        JSON.stringify(await alice.createEnvelope({ to, scope: 'a:b', payload: 'x'.repeat(size) })),
      ),
    );
  });

  const changes: Record<string, (text: string) => string> = {
    'as it was made': (text) => text,
    'with spaces everywhere': (text) => text.replaceAll(':', ' : ').replaceAll(',', ' ,\n'),
    'with the payload first': (text) => text.replace(/^\{(.*),("payload":"[^"]*")/, '{$2,$1'),
    'with the payload last': (text) => text.replace(/("payload":"[^"]*"),(.*)\}$/, '$2,$1}'),
    'with the payload twice': (text) => text.replace('{', '{"payload":"AAAA",'),
    'with a long payload twice': (text) => text.replace(/("payload":"[^"]*")/, '$1,$1'),
    'with padding': (text) => text.replace(/("payload":"[^"]*)"/, '$1="'),
    'with a foreign character in the middle': (text) =>
      text.replace(/("payload":"[^"]{9000}).([^"]*")/, '$1+$2'),
    'with another ending': (text) => text.replace(/("payload":"[^"]*).",/, '$1_",'),
    'one character short': (text) => text.replace(/("payload":"[^"]*).",/, '$1",'),
    'one character long': (text) => text.replace(/("payload":"[^"]*",)/, (all) => all.replace('",', 'A",')),
    'with a character that is not ASCII': (text) => text.replace(/("payload":"[^"]{9000})./, '$1é'),
    'with a NUL': (text) => text.replace(/("payload":"[^"]{9000})./, '$1\0'),
    'with an escape': (text) => text.replace(/("payload":"[^"]{9000})../, '$1\\n'),
    'under another name': (text) => text.replace('"payload"', '"payloads"'),
    'without an opening brace': (text) => text.slice(1),
    'without a closing brace': (text) => text.slice(0, -1),
    'with something behind': (text) => `${text}x`,
    'broken off in the payload': (text) => text.slice(0, 12_000),
    'with long white space': (text) => text.replace('{', `{${' '.repeat(40_000)}`),
    'as the text of another member': (text) => text.replace('"payload":', '"scope":"payload":'),
    'with a long scope': (text) => text.replace(/"scope":"[^"]*"/, `"scope":"${'a'.repeat(40_000)}"`),
    'with a long suite': (text) => text.replace(/"suite":"[^"]*"/, `"suite":"${'A'.repeat(40_000)}"`),
    'with a byte-order mark': (text) => `\uFEFF${text}`,
  };

  test.each(Object.entries(changes))('%s is read from bytes as from text', (_, change) => {
    for (const text of made.map(change)) {
      expect(read(encodeUtf8(text))).toEqual(read(text));
    }
  });

  test('keeps nothing of what it was read from', () => {
    const [text] = made as [string];
    const input = encodeUtf8(text);
    const { fields } = parseEnvelope(input);
    input.fill(0);
    expect(fields.payload).toBe((JSON.parse(text) as { payload: string }).payload);
  });

  test.each([0, 1, 2, 3, 6143, 6144, 6145, 6146, 12_288, 100_000])('%i bytes are decoded', (length) => {
    const text = encodeBase64url(bytesOf(length));
    expect(decodeBase64urlBytes(encodeUtf8(text))).toEqual(bytesOf(length));
    expect(decodeBase64url(text)).toEqual(Buffer.from(bytesOf(length)));
  });
});
