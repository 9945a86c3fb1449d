import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Kem, loadKem } from '../../src/signal/crypto/kem.js';
import { newKeyPair } from '../../src/signal/crypto/primitives.js';
import { decodeHeader } from '../../src/signal/ratchet/header.js';
import { beginReceiving, beginSending, decrypt, encrypt } from '../../src/signal/ratchet/ratchet.js';
import { DEFAULT_LIMITS, type RatchetState } from '../../src/signal/ratchet/state.js';
import { bytes, idOf, seedOf, text } from './support.js';

let kem: Kem;
beforeAll(async () => {
  kem = await loadKem();
});

interface Sent {
  readonly header: Uint8Array;
  readonly sealed: Uint8Array;
}

/** One side, which keeps its state. */
class Side {
  state: RatchetState;
  now = 1_000_000;

  constructor(state: RatchetState) {
    this.state = state;
  }

  async send(message: string): Promise<Sent> {
    const { state, ...sent } = await encrypt(this.state, bytes(message), { kem });
    this.state = state;
    return sent;
  }

  async take({ header, sealed }: Sent): Promise<string> {
    const made = await decrypt(this.state, decodeHeader(header), sealed, DEFAULT_LIMITS, this.now, kem);
    this.state = made.state;
    return text(made.plaintext);
  }
}

function pair(withKem = false): [Side, Side] {
  const beginning = { secret: seedOf('secret'), associated: bytes('ad'), kem: withKem, now: 1_000_000 };
  const prekey = newKeyPair();
  return [new Side(beginSending(beginning, prekey.public)), new Side(beginReceiving(beginning, prekey))];
}

const many = async (side: Side, count: number): Promise<Sent[]> => {
  const sent = [];
  for (let at = 0; at < count; at++) sent.push(await side.send(String(at)));
  return sent;
};

describe.each([false, true])('a ratchet, KEM step: %s', (withKem) => {
  test('refuses every bit that was flipped, and goes on as if nothing had come', async () => {
    const [alice, bob] = pair(withKem);
    const one = await alice.send('one');
    const header = [...one.header.keys()].filter((at) => at < 42 || at % 97 === 0);
    for (const [part, places] of [
      ['header', header],
      ['sealed', [...one.sealed.keys()]],
    ] as const)
      for (const at of places) {
        const changed = { ...one, [part]: one[part].slice() };
        changed[part][at]! ^= 1 << (at % 8);
        const before = bob.state;
        expect(await idOf(() => bob.take(changed))).toMatch(
          /^SIGNAL_(DECRYPT_FAILED|MESSAGE_INVALID|TOO_FAR)$/,
        );
        expect(bob.state).toBe(before);
      }
    expect(await bob.take(one)).toBe('one');
  });

  test('refuses what is cut, empty or longer', async () => {
    const [alice, bob] = pair(withKem);
    const { header, sealed } = await alice.send('one');
    for (const length of [0, 1, 15, sealed.length - 1])
      expect(await idOf(() => bob.take({ header, sealed: sealed.slice(0, length) }))).toBe(
        'SIGNAL_DECRYPT_FAILED',
      );
    for (const length of [0, 1, 41, header.length - 1])
      expect(await idOf(() => bob.take({ header: header.slice(0, length), sealed }))).toBe(
        'SIGNAL_MESSAGE_INVALID',
      );
    const longer = new Uint8Array([...header, 0]);
    expect(await idOf(() => bob.take({ header: longer, sealed }))).toBe('SIGNAL_MESSAGE_INVALID');
  });

  test('uses another key and IV for each message, in both directions', async () => {
    const [alice, bob] = pair(withKem);
    const seen = new Set<string>();
    let total = 0;
    for (let round = 0; round < 4; round++)
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const)
        for (let at = 0; at < 3; at++, total++) {
          const sent = await from.send('the same');
          seen.add(Buffer.from(sent.sealed).toString('hex'));
          await to.take(sent);
        }
    expect(seen.size).toBe(total);
  });

  test('who read all of a state reads no message after a turn of both sides', async () => {
    const [alice, bob] = pair(withKem);
    await bob.take(await alice.send('1'));
    await alice.take(await bob.send('2'));
    const stolen = bob.state;
    const thief = new Side(stolen);
    const readable = await alice.send('3');
    expect(await thief.take(readable)).toBe('3'); // until then it reads on
    await bob.take(readable);
    await alice.take(await bob.send('4'));
    const healed = await alice.send('5');
    expect(await idOf(() => thief.take(healed))).toBe('SIGNAL_DECRYPT_FAILED');
    expect(await bob.take(healed)).toBe('5');
  });
});

describe('what is missing', () => {
  test('1,000 messages may be skipped at once, and no more; a turn goes over a wider gap', async () => {
    const [alice, bob] = pair();
    const sent = await many(alice, 1003);
    expect(await bob.take(sent[0]!)).toBe('0');
    expect(await idOf(() => bob.take(sent[1002]!))).toBe('SIGNAL_TOO_FAR');
    expect(await bob.take(sent[1001]!)).toBe('1001');
    expect(bob.state.skipped).toHaveLength(1000);
  });

  test('10,000 skipped messages are refused in no time, keep nothing, and a turn goes on behind them', async () => {
    const [alice, bob] = pair();
    const [first, ...sent] = await many(alice, 10_001);
    await bob.take(first!);
    const began = performance.now();
    expect(await idOf(() => bob.take(sent[9_999]!))).toBe('SIGNAL_TOO_FAR');
    expect(performance.now() - began).toBeLessThan(100);
    await alice.take(await bob.send('turn'));
    expect(await bob.take(await alice.send('on'))).toBe('on');
    expect(bob.state.skipped).toHaveLength(0);
  });

  test('2,000 keys are kept, and the oldest make room', async () => {
    const [alice, bob] = pair();
    const sent = await many(alice, 3004);
    for (const at of [1000, 2001, 3002]) await bob.take(sent[at]!);
    expect(bob.state.skipped).toHaveLength(2000);
    expect(await idOf(() => bob.take(sent[5]!))).toBe('SIGNAL_DUPLICATE');
    expect(await bob.take(sent[2500]!)).toBe('2500');
  });

  test('keys of 5 chains are kept', async () => {
    const [alice, bob] = pair();
    const late: Sent[] = [];
    for (let turn = 0; turn < 7; turn++) {
      late.push(await alice.send(`late ${turn}`));
      await bob.take(await alice.send('now'));
      await alice.take(await bob.send('turn'));
    }
    expect(bob.state.skipped).toHaveLength(5);
    for (const turn of [0, 1]) expect(await idOf(() => bob.take(late[turn]!))).toBe('SIGNAL_DUPLICATE');
    for (const turn of [2, 6]) expect(await bob.take(late[turn]!)).toBe(`late ${turn}`);
  });

  test('keys are kept for 7 days', async () => {
    const [alice, bob] = pair();
    const [first, second, third] = await many(alice, 3);
    await bob.take(third!);
    bob.now += 7 * 86_400_000 - 1;
    expect(await bob.take(first!)).toBe('0');
    bob.now += 1;
    expect(await idOf(() => bob.take(second!))).toBe('SIGNAL_DUPLICATE');
    await bob.take(await alice.send('on'));
    expect(bob.state.skipped).toHaveLength(0);
  });
});

test('who did not begin cannot send before the first message', async () => {
  const [, bob] = pair();
  expect(await idOf(() => bob.send('too early'))).toBe('SIGNAL_UNKNOWN_SESSION');
});

test('a header without a KEM step is refused in a session with one, and the other way round', async () => {
  const [[alice], [, bob]] = [pair(true), pair(false)];
  expect(await idOf(async () => bob.take(await alice.send('1')))).toBe('SIGNAL_MESSAGE_INVALID');
  const [[carol], [, dave]] = [pair(false), pair(true)];
  expect(await idOf(async () => dave.take(await carol.send('1')))).toBe('SIGNAL_MESSAGE_INVALID');
});
