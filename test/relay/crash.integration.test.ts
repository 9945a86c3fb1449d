import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  GatewayTransport,
  Identity,
  MemoryTrustRegistry,
  XlinkTransportError,
} from '@private.me/xlink';
import { scaled } from '../scale/scale.js';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { BuiltPackage } from '../support/built-package.js';
import { unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { Program } from './process.js';

const SENDERS = 3;
const MESSAGES_EACH = scaled(400, 150);
const KILLS = scaled(12, 6);

const linesOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];

describe('relay and recipient are killed while messages flow', () => {
  let built: BuiltPackage;
  beforeAll(() => {
    built = new BuiltPackage();
  }, 120_000);
  afterAll(() => built.remove());

  test.each([
    ['long poll', false],
    ['WebSocket', true],
  ])(
    'by %s: nothing that was sent is lost, nothing is done twice',
    async (_, socket) => {
      const folder = await temporaryFolder();
      const data = join(folder, 'relay');
      const home = join(folder, 'recipient');
      for (const path of [data, home]) await mkdir(path);
      const program = built.program(new URL('receiver.mjs', import.meta.url));
      const relayProgram = built.program(new URL('relay-program.mjs', import.meta.url));
      const startRelay = (port: string) =>
        Program.start([relayProgram, data, port], /relay (\S+) port (\d+)/);
      let [relay, said] = await startRelay('0');
      const [, relayDid, port] = said;
      const relayUrl = `http://127.0.0.1:${port}`;

      const registry = new MemoryTrustRegistry();
      const seed = [...seedOf('crash recipient')];
      const bob = await Identity.fromSeed(seedOf('crash recipient'));
      unwrap(
        await registry.register({ did: bob.did, keys: await createKeyRecord(bob), receiveScopes: ['*'] }),
      );
      const senders = await Promise.all(
        Array.from({ length: SENDERS }, async (_unused, n) => {
          const transport = new GatewayTransport({ relayUrl, retries: 10, backoff: () => 300 });
          afterTest(async () => transport.dispose());
          return unwrap(await Agent.fromSeed({ seed: seedOf(`crash sender ${n}`), registry, transport }));
        }),
      );
      const entries = await registry.list();
      const startRecipient = () => {
        const setup = { folder: home, relayUrl, relayDid, seed, entries, socket };
        return Program.start([program, JSON.stringify(setup)], /ready/);
      };
      let [recipient] = await startRecipient();

      const sent: string[] = [];
      const resent: string[] = [];
      const sending = Promise.all(
        senders.map(async (sender, n) => {
          for (let i = 0; i < MESSAGES_EACH; i++) {
            const payload = `${n}:${i}`;
            for (;;) {
              const result = await sender.send({ to: bob.did, payload });
              if (result.ok) break;
              if (!(result.error instanceof XlinkTransportError)) throw result.error; // not for want of a relay
              resent.push(payload);
            }
            sent.push(payload);
          }
        }),
      );
      let isSending = true;
      void sending.finally(() => (isSending = false));

      let killed = 0;
      for (; killed < KILLS && (isSending || killed < 4); killed++) {
        await pause(50 + Math.random() * 500);
        if (killed % 2 === 0) {
          await relay.kill();
          [relay, said] = await startRelay(port!);
        } else {
          await recipient.kill();
          [recipient] = await startRecipient();
        }
      }
      await sending;

      const payloadsDone = () => linesOf(join(home, 'done.log')).map((line) => line.split(' ')[1]!);
      await until(() => new Set(payloadsDone()).size === SENDERS * MESSAGES_EACH, {
        withinMs: 60_000,
        what: 'the last message',
      });
      await pause(300);
      const done = payloadsDone();
      const begun = linesOf(join(home, 'begun.log'));
      const twice = begun.length - new Set(begun).size;
      expect(killed).toBeGreaterThanOrEqual(4);
      // Nothing lost, and no envelope done twice. What the sender sealed anew is another message.
      expect(new Set(done)).toEqual(new Set(sent));
      expect(done.length).toBeLessThanOrEqual(sent.length + resent.length);
      // An interrupted handler is begun again; at most the message of each sender that was under way at a kill.
      expect(twice).toBeLessThanOrEqual((killed / 2) * SENDERS);
      // Every other refusal would be a message that was damaged or too old.
      expect(new Set(linesOf(join(home, 'refused.log'))).size).toBeLessThanOrEqual(1);
      for (const id of linesOf(join(home, 'refused.log'))) expect(id).toBe('REPLAY_DETECTED');
      for (let n = 0; n < SENDERS; n++) {
        const theirs = done
          .filter((payload) => payload.startsWith(`${n}:`))
          .map((p) => Number(p.split(':')[1]));
        const first = [...new Set(theirs)];
        expect(first).toEqual([...first].sort((a, b) => a - b));
      }
    },
    180_000,
  );
});
