import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sharedSecret } from '../../src/signal/crypto/agreement.js';
import { type Kem, loadKem } from '../../src/signal/crypto/kem.js';
import { agree, keyPairOf, newKeyPair } from '../../src/signal/crypto/primitives.js';
import { decodeHeader, encodeHeader } from '../../src/signal/ratchet/header.js';
import { beginReceiving, beginSending, decrypt, encrypt } from '../../src/signal/ratchet/ratchet.js';
import { DEFAULT_LIMITS, type RatchetState } from '../../src/signal/ratchet/state.js';
import { describeWhere } from './servers.js';
import { afterTest, bytes, seedOf, text } from './support.js';

// The interpreter of the system sees the packages of Debian; one in front of it in the PATH may not.
const PYTHON = '/usr/bin/python3';
const isThere = ['doubleratchet', 'x3dh', 'cryptography'].every((name) =>
  existsSync(`/usr/lib/python3/dist-packages/${name}`),
);
const PROGRAM = fileURLToPath(new URL('./programs/debian_peer.py', import.meta.url));

type Answer = Record<string, string & number & string[]>;
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const raw = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'hex'));

/** Debian's implementation, which answers commands. */
function peer(): (command: object) => Promise<Answer> {
  const child = spawn(PYTHON, ['-I', PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'] });
  afterTest(() => child.kill('SIGKILL'));
  let failure = '';
  child.stderr.on('data', (chunk) => (failure += String(chunk)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const line = await lines.next();
    if (line.done) throw new Error(failure);
    return JSON.parse(line.value);
  };
}

/** The own side. */
class Side {
  constructor(
    readonly kem: Kem,
    public state: RatchetState,
  ) {}

  async seal(plaintext: string) {
    const { state, header, sealed } = await encrypt(this.state, bytes(plaintext), { kem: this.kem });
    this.state = state;
    const { key, previous, number } = decodeHeader(header);
    return { key: hex(key), previous, number, sealed: hex(sealed) };
  }

  async open({ key, previous, number, sealed }: Answer): Promise<string> {
    const header = decodeHeader(encodeHeader({ key: raw(key!), previous: previous!, number: number! }));
    const made = await decrypt(this.state, header, raw(sealed!), DEFAULT_LIMITS, 0, this.kem);
    this.state = made.state;
    return text(made.plaintext);
  }
}

/** Twelve messages in four turns each, some of them late. */
async function talk(side: Side, ask: ReturnType<typeof peer>): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const mine = [
      await side.seal(`${round} a`),
      await side.seal(`${round} b`),
      await side.seal(`${round} c`),
    ];
    for (const at of [2, 0, 1]) {
      const { plaintext } = await ask({ do: 'open', ...mine[at]! });
      expect(text(raw(plaintext!))).toBe(`${round} ${'abc'[at]}`);
    }
    const theirs: Answer[] = [];
    for (const name of ['x', 'y', 'z'])
      theirs.push(await ask({ do: 'seal', plaintext: hex(bytes(`${round} ${name}`)) }));
    for (const at of [1, 2, 0]) expect(await side.open(theirs[at]!)).toBe(`${round} ${'xyz'[at]}`);
  }
}

describeWhere(
  isThere,
  'python3-doubleratchet, python3-x3dh',
  'X3DH and Double Ratchet, crossed with those of Debian',
  () => {
    const seed = seedOf('debian');
    const own = { ed: ed25519.getPublicKey(seed), x: ed25519.utils.toMontgomerySecret(seed) };
    const encoded = (...keys: Uint8Array[]) => new Uint8Array(keys.flatMap((key) => [0x65, ...key]));

    test('the package begins', async () => {
      const ask = peer();
      const bundle = await ask({ do: 'bundle' });
      const [identity, prekey, oneTime] = [
        raw(bundle['identity']!),
        raw(bundle['prekey']!),
        raw(bundle['oneTime']![0]!),
      ];
      expect(ed25519.verify(raw(bundle['signature']!), new Uint8Array([0x78, ...prekey]), identity)).toBe(
        true,
      );
      const ephemeral = newKeyPair();
      const dh = [
        agree(own.x, prekey)!,
        agree(ephemeral.secret, ed25519.utils.toMontgomery(identity))!,
        agree(ephemeral.secret, prekey)!,
        agree(ephemeral.secret, oneTime)!,
      ];
      const beginning = {
        secret: sharedSecret({ dh }, 'crossing'),
        associated: encoded(own.ed, identity),
        kem: false,
        now: 0,
      };
      const side = new Side(await loadKem(), beginSending(beginning, prekey));
      const first = await side.seal('hello');
      const header = {
        identity: hex(own.ed),
        ephemeral: hex(ephemeral.public),
        oneTime: hex(oneTime),
        prekey: hex(prekey),
      };
      const answer = await ask({ do: 'passive', ...header, ...first });
      expect(answer['secret']).toBe(hex(beginning.secret));
      expect(text(raw(answer['plaintext']!))).toBe('hello');
      await talk(side, ask);
    });

    test('Debian begins', async () => {
      const ask = peer();
      const [prekey, oneTime] = [newKeyPair(), newKeyPair()];
      const signature = ed25519.sign(new Uint8Array([0x78, ...prekey.public]), seed);
      const bundle = {
        identity: hex(own.ed),
        prekey: hex(prekey.public),
        signature: hex(signature),
        oneTime: hex(oneTime.public),
      };
      const first = await ask({ do: 'active', ...bundle, plaintext: hex(bytes('hello')) });
      const ephemeral = raw(first['ephemeral']!);
      const identity = raw(first['identity']!);
      const dh = [
        agree(prekey.secret, ed25519.utils.toMontgomery(identity))!,
        agree(own.x, ephemeral)!,
        agree(prekey.secret, ephemeral)!,
        agree(oneTime.secret, ephemeral)!,
      ];
      const associated = encoded(identity, own.ed);
      expect(first['associated']).toBe(hex(associated));
      const beginning = { secret: sharedSecret({ dh }, 'crossing'), associated, kem: false, now: 0 };
      const side = new Side(await loadKem(), beginReceiving(beginning, keyPairOf(prekey.secret)));
      expect(await side.open(first)).toBe('hello');
      await talk(side, ask);
    });
  },
);
