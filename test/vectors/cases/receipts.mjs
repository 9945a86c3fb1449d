// Receipts of messages: what they say, and what makes them receipts of something else.
import { seal, signOnly } from '../reference/envelope.mjs';
import { b64u, sha256, utf8 } from '../reference/notation.mjs';
import { alices, bob, fixed, mallory, NOW } from '../world.mjs';

const json = (value) => utf8(JSON.stringify(value));

function messageOf(version) {
  const name = `receipt v${version}`;
  return seal(
    {
      ...{ version, kind: 'message', sender: alices[version], recipient: bob, timestamp: NOW },
      ...{ nonce: fixed(`${name} message`, 16), scope: 'payments', content: json({ amount: 100 }) },
    },
    { ephemeralSecret: fixed(`${name} ephemeral`), kemCoins: fixed(`${name} kem`) },
  );
}

function receiptOf(version, message, name, payload = {}, more = {}) {
  const said = { messageHash: b64u(sha256(message.transcript)), receivedAt: NOW + 5, status: 'processed' };
  return signOnly(
    {
      ...{ version, kind: 'receipt', sender: bob, recipient: alices[version], timestamp: NOW + 7 },
      ...{ nonce: fixed(`receipt v${version} ${name}`, 16), scope: 'xlink:receipt' },
      ...{
        inReplyTo: fixed(`receipt v${version} message`, 16),
        content: json({ ...said, ...payload }),
        ...more,
      },
    },
    {},
  ).text;
}

export function receiptFile() {
  const cases = [1, 2].map((version) => {
    const message = messageOf(version);
    const make = (name, payload, more) => receiptOf(version, message, name, payload, more);
    const good = ['received', 'processed', 'failed'].map((status) => ({
      status,
      receipt: make(status, { status }),
    }));
    const bad = [
      ['RECEIPT_INVALID', make('status', { status: 'done' })],
      ['RECEIPT_INVALID', make('no hash', { messageHash: undefined })],
      ['RECEIPT_INVALID', make('time', { receivedAt: '1' })],
      ['RECEIPT_INVALID', make('scope', {}, { scope: 'payments' })],
      ['RECEIPT_INVALID', make('message', {}, { kind: 'message' })],
      ['RECEIPT_INVALID:OTHER_MESSAGE', make('hash', { messageHash: b64u(sha256(utf8('another'))) })],
      ['RECEIPT_INVALID:OTHER_MESSAGE', make('nonce', {}, { inReplyTo: fixed('another message', 16) })],
      ['RECEIPT_INVALID:OTHER_MESSAGE', make('recipient', {}, { recipient: mallory })],
      ['RECEIPT_INVALID:OTHER_SIGNER', make('signer', {}, { sender: mallory })],
      ['VERIFICATION_FAILED:SIGNATURE_MISMATCH', make('edit').replace('"timestamp":1', '"timestamp":2')],
    ].map(([error, receipt]) => ({ error, receipt }));
    const messageHash = b64u(sha256(message.transcript));
    return { version, message: message.text, messageHash, receivedAt: NOW + 5, good, bad };
  });
  return {
    about: 'Messages and receipts are JSON text as it travels. How to use this file: docs/PROTOCOL.md, 10.7.',
    cases,
  };
}
