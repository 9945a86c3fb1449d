import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, ERROR_TABLE, type ErrorId, type ReceiveInput } from '@private.me/xlink';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { sealed } from '../support/forge.js';
import { idOf, unwrap } from '../support/results.js';

import { type Attempt, bench } from './lifecycle-bench.js';

import { RECEIVE_ATTEMPTS } from './lifecycle-receive.js';

import { deaf, SEND_ATTEMPTS } from './lifecycle-send.js';

/** Every step of receiving a version 3 envelope from a sender that was not met before. */
const RECEIVE = [
  'parsing',
  'checking',
  'nonceStore.seen',
  'resolving',
  'registry.lookup',
  'key record, ed25519',
  'key record, mlDsa65',
  'verifying',
  'ed25519.verify',
  'mlDsa65.verify',
  'authorizing',
  'claiming',
  'nonceStore.claim',
  'decrypting',
  'x25519.agree',
  'mlKem768.decapsulate',
  'hkdf',
  'aes256gcm.open',
  'complete',
] as const;

/** Every step of sending one to a recipient that was not met before. */
const SEND = [
  'resolving',
  'registry.lookup',
  'key record, ed25519',
  'key record, mlDsa65',
  'encrypting',
  'x25519.agree',
  'mlKem768.encapsulate',
  'hkdf',
  'aes256gcm.seal',
  'signing',
  'ed25519.sign',
  'mlDsa65.sign',
  'sending',
  'transport.send',
  'complete',
] as const;

/** Without the verification of a record that was verified before, unless that is where it ends. */
const upTo = (steps: readonly string[], { last, noPqKey }: Attempt, met: boolean) =>
  steps
    .slice(0, steps.indexOf(last) + 1)
    .filter((step) => !step.startsWith('key record') || (met ? last.startsWith('key record') : true))
    .filter((step) => !(noPqKey && step === 'key record, mlDsa65'));

describe('receive', () => {
  test('runs every step of a version 3 envelope once, in this order', async () => {
    const { bob, envelope, trace } = await bench('bob', {});
    const onProgress = ({ stage }: { stage: string }) => void trace.push(stage);
    expect(idOf(await bob.receive(envelope, { onProgress }))).toBe('ok');
    expect(trace).toEqual(RECEIVE);
  });

  for (const [stage, attempts] of Object.entries(RECEIVE_ATTEMPTS)) {
    describe(`fails while ${stage}`, () => {
      test.each(
        attempts.map((attempt) => [[attempt.id, attempt.by].filter(Boolean).join(', '), attempt] as const),
      )('%s, and nothing after it runs', async (_, attempt) => {
        const { id, agent = {}, nonces, options = {}, arrange, met } = attempt;
        const b = await bench('bob', agent, nonces);
        const input = ((await arrange?.(b)) ?? b.envelope) as ReceiveInput;
        b.trace.length = 0;
        const onProgress = (event: { stage: string }) => void b.trace.push(event.stage);
        const result = await b.bob.receive(input, { ...options, onProgress });
        expect(idOf(result)).toBe(id);
        expect(b.trace).toEqual(upTo(RECEIVE, attempt, met ?? false));
        expect(b.trace.findLast((step) => step in RECEIVE_ATTEMPTS)).toBe(stage);
      });
    });
  }

  test.each([1, 2] as const)('an envelope of version %i costs no ML-DSA', async (version) => {
    const b = await bench('bob', {});
    const entry = b.registry.real.lookup(b.alice.did)!;
    const keys = await createKeyRecord(await identityOf('alice', version));
    b.registry.instead = () => ({ ...entry, keys });
    const envelope = await sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { version });
    expect(idOf(await b.bob.receive(envelope))).toBe('ok');
    expect(b.trace).not.toContain('mlDsa65.verify');
    expect(b.trace.includes('mlKem768.decapsulate')).toBe(version === 2);
  });

  test('a signed-only envelope decrypts nothing', async () => {
    const b = await bench('bob', {});
    const envelope = await b.alice.createEnvelope({ to: b.bob.did, payload: 1, signedOnly: true });
    expect(idOf(await b.bob.receive(envelope, { allowCleartext: true }))).toBe('ok');
    expect(b.trace.slice(-1)).toEqual(['nonceStore.claim']);
  });

  test('a key record is verified once, not with every message', async () => {
    const b = await bench('bob', {});
    for (let i = 0; i < 3; i++) {
      unwrap(await b.bob.receive(await b.alice.createEnvelope({ to: b.bob.did, payload: i })));
    }
    const verified = b.trace.filter((step) => step.startsWith('key record'));
    expect(verified).toEqual(['key record, ed25519', 'key record, mlDsa65']);
    expect(b.trace.filter((step) => step === 'registry.lookup')).toHaveLength(3);
  });
});

deaf.onReceive(() => {
  throw new Error('nobody there');
});

describe('send', () => {
  test('runs every step of a version 3 envelope once, in this order', async () => {
    const { alice, bob, trace } = await bench('alice', {});
    const onProgress = ({ stage }: { stage: string }) => void trace.push(stage);
    expect(idOf(await alice.send({ to: bob.did, payload: 1, onProgress }))).toBe('ok');
    expect(trace).toEqual(SEND);
  });

  for (const [stage, attempts] of Object.entries(SEND_ATTEMPTS)) {
    describe(`fails at ${stage}`, () => {
      test.each(
        attempts.map((attempt) => [[attempt.id, attempt.by].filter(Boolean).join(', '), attempt] as const),
      )('%s, and nothing after it runs', async (_, attempt) => {
        const { id, agent = {}, options = {}, arrange, met } = attempt;
        const b = await bench('alice', agent);
        await arrange?.(b);
        b.trace.length = 0;
        const onProgress = (event: { stage: string }) => void b.trace.push(event.stage);
        const result = await b.alice.send({
          to: b.bob.did,
          payload: 1,
          scope: 'chat',
          ...options,
          onProgress,
        });
        expect(idOf(result)).toBe(id);
        expect(b.trace).toEqual(upTo(SEND, attempt, met ?? false));
        expect(b.trace.findLast((step) => step in SEND_ATTEMPTS) ?? 'start').toBe(stage);
      });
    });
  }
});

describe('docs/lifecycle.md', () => {
  const page = readFileSync(new URL('../../docs/lifecycle.md', import.meta.url), 'utf8');
  const drawing = (name: string) => page.split(`## ${name}\n`)[1]!.split('```')[1]!;

  /** `stage id status` of every line with a cross, under the stage above it. */
  function drawn(name: string): { stage: string; id: string; status: number }[] {
    let stage = '';
    return drawing(name)
      .split('\n')
      .flatMap((line) => {
        stage = /▼ (\w+)/.exec(line)?.[1] ?? stage;
        const [, id, status] = /✗ (\S+) +(\d{3})$/.exec(line) ?? [];
        return id ? [{ stage, id, status: Number(status) }] : [];
      });
  }

  test.each<[string, Record<string, readonly Attempt[]>]>([
    ['send', SEND_ATTEMPTS],
    ['receive', RECEIVE_ATTEMPTS],
  ])('draws for %s exactly the errors that are driven above, stage by stage', (name, attempts) => {
    const driven = Object.entries(attempts).flatMap(([stage, list]) =>
      list.map(({ id }) => `${stage} ${id}`),
    );
    const lines = drawn(name).map(({ stage, id }) => `${stage} ${id}`);
    expect(new Set(lines)).toEqual(new Set(driven));
    expect(lines).toHaveLength(new Set(lines).size);
  });

  test.each(['send', 'receive'])('gives for %s the status of the error table', (name) => {
    const lines = drawn(name);
    expect(lines.length).toBeGreaterThan(15);
    expect(lines).toEqual(
      lines.map((line) => ({ ...line, status: ERROR_TABLE[line.id as ErrorId]?.status })),
    );
  });

  test.each([
    ['send', SEND],
    ['receive', RECEIVE],
  ])('draws the stages of %s in the order they run', (name, steps) => {
    const stages = [...drawing(name).matchAll(/▼ (\w+)/g)].map(([, stage]) => stage!);
    expect(stages.filter((stage) => stage !== 'start')).toEqual(
      steps.filter((step) => stages.includes(step)),
    );
  });
});
