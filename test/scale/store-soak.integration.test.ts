import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import { ensureRegistered } from '../../src/agent/register.js';
import { identityOf } from '../support/agents.js';
import { describeWith } from '../support/needs-program.js';
import { seededRandom } from '../support/random.js';
import { scaled } from './scale.js';
import { clientModel } from './soak/client-model.js';
import { modeModel } from './soak/mode-model.js';
import type { Model, Surroundings } from './soak/model.js';
import { nonceModel } from './soak/nonce-model.js';
import { outages } from './soak/outages.js';
import { inFiles, inPostgres, inRedis, overHttp, type Place, TIMEOUT_MS } from './soak/places.js';
import { registryModel } from './soak/registry-model.js';
import { relayModel } from './soak/relay-model.js';
import { Tally } from './soak/tally.js';

const SOAK_MS = scaled(600_000, 15_000);
/** Of each kind and place. */
const MODELS = 3;
/** What a call may take: its own limit, twice where it reads and writes, and what a busy machine adds. */
const LIMIT_MS = 2 * TIMEOUT_MS + 3000;
/** Two instances are 30 s apart. */
const CLOCKS_MS = [-15_000, 15_000];
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

async function modelsOf(place: Place, around: Surroundings): Promise<Model[]> {
  const { random } = around;
  const any = <K extends keyof ReturnType<Place['instances'][number]>>(kind: K) => {
    if (!place.instances[0]!()[kind]) return undefined;
    return () => random.pick(place.instances)()[kind]!;
  };
  const [registry, clients, modes, relay, nonces] = [
    any('registry'),
    any('clients'),
    any('modes'),
    any('relay'),
    any('nonces'),
  ];
  const named = (kind: string) => ({ ...around, name: `${place.name} ${kind}` });
  const models: Model[] = [];
  for (let nr = 0; nr < MODELS; nr++) {
    if (registry) models.push(await registryModel(named('registry'), registry));
    if (clients) models.push(clientModel(named('clients'), clients));
    if (relay) models.push(await relayModel(named('relay'), relay));
  }
  if (modes) {
    const mode = modeModel(named('mode'), modes);
    models.push(mode, mode);
  }
  if (nonces) models.push(...(await noncesOf(place, named('nonces'))));
  return models;
}

/** A service of as many instances as the place has, each with a clock of its own. */
async function noncesOf(place: Place, around: Surroundings): Promise<Model[]> {
  const known = new MemoryTrustRegistry();
  const identity = await identityOf(`soak service ${place.name}`, 1);
  await ensureRegistered(known, identity, { name: 'service', receiveScopes: ['soak'] });
  const services = place.instances.map((stores, nr) => {
    const nonceStore = {
      seen: (...use: Parameters<NonNullable<ReturnType<typeof stores>['nonces']>['seen']>) =>
        stores().nonces!.seen(...use),
      claim: (...use: Parameters<NonNullable<ReturnType<typeof stores>['nonces']>['claim']>) =>
        stores().nonces!.claim(...use),
    };
    const clock = () => Date.now() + (place.instances.length > 1 ? CLOCKS_MS[nr]! : 0);
    return new Agent({ name: 'service', identity, registry: known, nonceStore, clock });
  });
  return Promise.all(
    Array.from({ length: MODELS }, async (_, nr) => {
      const own = await identityOf(`soak caller ${nr}`, 1);
      const lateMs = around.random.below(10_000);
      await ensureRegistered(known, own, { name: 'caller', sendScopes: ['soak'] });
      const caller = new Agent({
        name: 'caller',
        identity: own,
        registry: known,
        clock: () => Date.now() - lateMs,
      });
      return nonceModel(around, caller, () => around.random.pick(services));
    }),
  );
}

describeWith(
  ['redis-server', 'redis-cli', 'initdb', 'postgres'],
  `${SOAK_MS / 1000} s of random outages`,
  () => {
    test(
      `all stores: no replay is accepted, no acknowledged write is lost, nothing hangs (SEED=${seed})`,
      async () => {
        const random = seededRandom(seed);
        const tally = new Tally();
        const places = await Promise.all([inRedis(), inPostgres(), overHttp(), inFiles()]);
        try {
          const around = { name: '', random, tally, limitMs: LIMIT_MS };
          const models = (await Promise.all(places.map((place) => modelsOf(place, around)))).flat();
          const untilMs = performance.now() + SOAK_MS;
          const use = async (model: Model) => {
            while (performance.now() < untilMs) {
              await model.step();
              await pause(1); // a step that is refused at once gives nobody else a turn
            }
          };
          const trouble = () => outages(places, random, untilMs, tally);
          await Promise.all([...models.map(use), trouble(), trouble()]);
          for (const { ways } of places) for (const way of ways) way.heal();
          for (const model of models) await model.settle();
        } finally {
          console.log([`SEED=${seed}`, tally, ...tally.wrongs].join('\n'));
          for (const place of places) await place.end();
        }
        expect(tally.wrongs).toEqual([]);
      },
      SOAK_MS + 120_000,
    );
  },
);
