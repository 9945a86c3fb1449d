import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { Envelope, Receipt } from '@private.me/xlink';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { messageHash } from '../../src/receipts/receipt.js';
import { idOf, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

interface Case {
  readonly version: number;
  readonly message: string;
  readonly messageHash: string;
  readonly receivedAt: number;
  readonly good: readonly { readonly status: string; readonly receipt: string }[];
  readonly bad: readonly { readonly error: string; readonly receipt: string }[];
}

const file = fileURLToPath(new URL('../vectors/receipts.json', import.meta.url));
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Case[] };

/** The object that a receipt is handed over as, made of its envelope alone. */
function claimed(text: string): Receipt {
  const envelope = JSON.parse(text) as Envelope;
  const said = JSON.parse(Buffer.from(envelope.payload ?? '', 'base64url').toString());
  const { from: signer, to: recipient, inReplyTo } = envelope;
  return { signer, recipient, inReplyTo: inReplyTo!, ...said, timestamp: said.receivedAt, envelope };
}

test.each(cases)('receipts of a message of version $version', async ({ message, good, bad, ...rest }) => {
  const agent = await new World().agent('auditor');
  const of = JSON.parse(message) as Envelope;
  expect(await messageHash(defaultProvider(), of)).toBe(rest.messageHash);
  for (const { status, receipt } of good)
    expect(unwrap(await agent.verifyReceipt(claimed(receipt), { of }))).toMatchObject({
      status,
      timestamp: rest.receivedAt,
      messageHash: rest.messageHash,
    });
  const ids = await Promise.all(
    bad.map(async ({ receipt }) => idOf(await agent.verifyReceipt(claimed(receipt), { of }))),
  );
  expect(ids).toEqual(bad.map(({ error }) => error));
});
