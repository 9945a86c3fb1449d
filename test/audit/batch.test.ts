import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { leafHashOfText } from '../../src/audit/hash.js';
import { defaultProvider as nativeProvider } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import { sealBatch } from '../../src/stores/audit/sealed-batch.js';
import { encodeLine, encodeLineBytes } from '../../src/stores/file/journal-line.js';

const PROVIDERS = [nativeProvider(), createPortableProvider()];

test.each(['', 'a'.repeat(47), 'x'.repeat(70_000), 'é', '€'.repeat(3000), `${'a'.repeat(2000)}😀`])(
  'the hash of a leaf is over a zero and the UTF-8 of its text (%#)',
  (text) => {
    const expected = createHash('sha256').update('\0').update(text).digest('hex');
    for (const crypto of PROVIDERS)
      expect(Buffer.from(leafHashOfText(crypto, text)).toString('hex')).toBe(expected);
  },
);

test('both providers seal and link the same batch, at once or later', async () => {
  const entries = ['{"at":1,"type":"test"}', '{"at":2,"type":"ünlike"}', `{"data":"${'z'.repeat(40_000)}"}`];
  const batches = await Promise.all(
    PROVIDERS.map((crypto) => {
      const dataKey = { id: '2026-11-1a2b3c4d', hmac: crypto.hmac(new Uint8Array(32).fill(1)) };
      const chain = crypto.hmac(new Uint8Array(32).fill(2));
      const from = { size: 2 ** 32 + 5, link: new Uint8Array(32).fill(3) };
      return sealBatch(crypto, { dataKey, chain }, from, entries);
    }),
  );
  const [native, portable] = batches.map(({ records, leaves, link }) => ({
    records,
    leaves: leaves.map((leaf) => Buffer.from(leaf).toString('hex')),
    link: Buffer.from(link).toString('hex'),
  }));
  expect(native!.records.map(({ seq }) => seq)).toEqual([0, 1, 2].map((at) => 2 ** 32 + 5 + at));
  expect(native).toEqual(portable);
});

test.each(['[]', '[{"a":"ü€😀"}]', `["${'x'.repeat(9000)}"]`])(
  'a line is the same as text and as bytes (%#)',
  (data) => {
    const line = encodeLine('0123456789abcdef', data);
    const { bytes, sum } = encodeLineBytes('0123456789abcdef', data);
    expect(sum).toBe(line.sum);
    expect(Buffer.from(bytes).toString()).toBe(`${line.text}\n`);
  },
);
