import { EventEmitter } from 'node:events';
import { describe, expect, jest, test } from '@jest/globals';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { workerMlDsa65 } from '../../src/crypto/native/ml-dsa-worker.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { encodeUtf8 } from '../../src/util/utf8.js';

const message = encodeUtf8('message');
const seed = new Uint8Array(32).fill(3);
const randomBytes = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length));

/** KeyedMutex of the event loop until all jobs are done. Jobs that hold the loop allow one at most. */
async function turnsDuring(jobs: Promise<unknown>[]): Promise<number> {
  let turns = 0;
  let done = false;
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(jobs);
  done = true;
  return turns;
}

async function signAndVerify20({ signer, verifier }: CryptoProvider['mlDsa65']) {
  const { publicKey, sign } = await signer(seed);
  const { verify } = await verifier(publicKey);
  const signatures = Array.from({ length: 20 }, async () => sign(message));
  const signTurns = await turnsDuring(signatures);
  const verdicts = (await Promise.all(signatures)).map(async (signature) => verify(message, signature));
  const verifyTurns = await turnsDuring(verdicts);
  return { signTurns, verifyTurns, verdicts: await Promise.all(verdicts) };
}

describe('ML-DSA in JavaScript on a server', () => {
  test('20 signatures and 20 checks leave the event loop free', async () => {
    const { signTurns, verifyTurns, verdicts } = await signAndVerify20(workerMlDsa65(randomBytes));
    expect(signTurns).toBeGreaterThan(20);
    expect(verifyTurns).toBeGreaterThan(20);
    expect(verdicts).toEqual(Array(20).fill(true));
  });

  const native = defaultProvider();
  const inWorker = native.implementations.mlDsa65 !== 'node:crypto';
  (inWorker ? test : test.skip)(
    `the native provider does that: ${native.implementations.mlDsa65}`,
    async () => {
      const { signTurns, verifyTurns } = await signAndVerify20(native.mlDsa65);
      expect(signTurns).toBeGreaterThan(20);
      expect(verifyTurns).toBeGreaterThan(20);
    },
  );

  test('a job that fails rejects, and the next one is served', async () => {
    const { signer } = workerMlDsa65(randomBytes);
    const { sign } = await signer(seed);
    const tooLong = new Uint8Array(256);
    const jobs = await Promise.allSettled([sign(message, tooLong), sign(message), sign(message, tooLong)]);
    expect(jobs.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(await sign(message)).toHaveLength(3309);
  });

  test('a job that cannot be sent rejects', async () => {
    const { signer } = workerMlDsa65(randomBytes);
    const { sign } = await signer(seed);
    const uncloneable = (() => {}) as unknown as Uint8Array;
    await expect((async () => sign(uncloneable))()).rejects.toThrow();
    expect(await sign(message)).toHaveLength(3309);
  });
});

describe('a worker that dies', () => {
  class FakeWorker extends EventEmitter {
    static readonly all: FakeWorker[] = [];
    readonly jobs: { id: number }[] = [];
    referenced = false;
    constructor() {
      super();
      FakeWorker.all.push(this);
    }
    ref() {
      this.referenced = true;
    }
    unref() {
      this.referenced = false;
    }
    postMessage(job: { id: number }) {
      if (job.id === 4) throw new Error('could not be cloned');
      this.jobs.push(job);
    }
  }

  test('fails its jobs and no others, and is replaced', async () => {
    jest.unstable_mockModule('node:worker_threads', () => ({ Worker: FakeWorker }));
    jest.resetModules();
    const fresh = await import('../../src/crypto/native/ml-dsa-worker.js');
    const { sign } = await fresh.workerMlDsa65(randomBytes).signer(seed);

    const lost = [sign(message), sign(message)].map((job) => Promise.resolve(job));
    const settled = Promise.allSettled(lost);
    const [first] = FakeWorker.all;
    expect([first!.jobs.length, first!.referenced]).toEqual([2, true]);
    first!.emit('error', new Error('out of memory'));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);

    const next = sign(message);
    const second = FakeWorker.all[1]!;
    first!.emit('exit', 1);
    second.emit('message', { id: second.jobs[0]!.id, value: new Uint8Array(1) });
    expect(await next).toHaveLength(1);
    expect(FakeWorker.all).toHaveLength(2);

    // A job that was never sent must not keep the process alive.
    await expect((async () => sign(message))()).rejects.toThrow('could not be cloned');
    expect(second.referenced).toBe(false);

    const last = Promise.resolve(sign(message));
    const outcome = expect(last).rejects.toThrow('exited');
    second.emit('exit', 1);
    await outcome;
  });
});
