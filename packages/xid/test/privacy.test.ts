/**
 * 1,000 persons at 20 services over 10 epochs. A linker that has all DIDs, records, credentials, sizes and times must do no better than chance on what the
 * library decides. On what it does not decide (addresses, habits, few persons) it does better, and the README says by how much.
 *
 * All 200,000 seeds are derived. Keys are made of them for the cells (a service in an epoch) that are compared, and with SCALE=full for all; whole identities, records,
 * certificates and tokens, by the classes that are published, for a sample of persons.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, decodeDidKey } from '@private.me/xlink';
import { seedInfo } from '../src/identity/seed-info.js';
import { requestToken } from '../src/index.js';
import { deriveSeed } from '../src/master/recombine.js';
import {
  type Cell,
  chance,
  dice,
  learnedFromBits,
  nearestByBits,
  nearestByNumber,
  normal,
} from './linker.js';
import { clockAt, holder, registrarAt, seedOf } from './support.js';

const [PERSONS, SERVICES, EPOCHS] = [1000, 20, 10];
const isFull = process.env['SCALE'] === 'full';
const serviceOf = (at: number) => `https://service-${String(at).padStart(2, '0')}.example`;
const EPOCH = 20_000;
const masters = Array.from({ length: PERSONS }, (_, person) => seedOf(`person ${person}`));
const seedFor = (person: number, service: number, epoch: number) =>
  deriveSeed(masters[person]!, seedInfo({ verifier: serviceOf(service), epoch: EPOCH + epoch }));

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The Ed25519 public key that is the DID. */
function publicKeyOf(seed: Uint8Array): Buffer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12);
}

const cells = new Map<string, Cell>();
/** The DIDs that a service sees in an epoch, person by person. */
function cell(service: number, epoch: number): Cell {
  const name = `${service} ${epoch}`;
  const known = cells.get(name);
  if (known) return known;
  const words = new Uint32Array(PERSONS * 8);
  for (let person = 0; person < PERSONS; person++) {
    const key = publicKeyOf(seedFor(person, service, epoch));
    for (let w = 0; w < 8; w++) words[person * 8 + w] = key.readUInt32LE(w * 4);
  }
  cells.set(name, words);
  return words;
}

/** Pairs of cells that the linker compares: services with each other, epochs of a service, both. */
const PAIRS: readonly (readonly [number, number, number, number])[] = isFull
  ? Array.from({ length: 190 }, (_, at) => [at % 20, at % 10, (at * 7 + 1) % 20, (at * 3 + 1) % 10] as const)
  : [
      [0, 0, 1, 0],
      [0, 0, 2, 0],
      [1, 0, 2, 0],
      [0, 0, 0, 1],
      [0, 1, 0, 2],
      [0, 0, 0, 9],
      [1, 0, 19, 9],
      [2, 0, 19, 9],
    ];

const README = readFileSync(join(process.cwd(), 'packages/xid/README.md'), 'utf8').replace(/\s+/g, ' ');

const within = ([low, high]: readonly [number, number], hits: number) => hits >= low && hits <= high;

describe('on what the library decides', () => {
  test('the keys are those of the published classes', async () => {
    for (const person of [0, 17, 999]) {
      const me = await holder(`person ${person}`, clockAt());
      const did = await me.deriveForVerifier(serviceOf(3), EPOCH + 4);
      expect(Buffer.from(decodeDidKey(did)).equals(publicKeyOf(seedFor(person, 3, 4)))).toBe(true);
    }
  });

  test('200,000 identities have nothing in common, and no bit leans', () => {
    const seen = new Set<string>();
    const counts = new Uint32Array(256);
    for (let person = 0; person < PERSONS; person++)
      for (let service = 0; service < SERVICES; service++)
        for (let epoch = 0; epoch < EPOCHS; epoch++) {
          const seed = seedFor(person, service, epoch);
          seen.add(Buffer.from(seed.subarray(0, 16)).toString('latin1'));
          if (service % 5 !== 0) continue;
          for (let at = 0; at < 256; at++) counts[at]! += (seed[at >>> 3]! >>> (at & 7)) & 1;
        }
    const all = PERSONS * SERVICES * EPOCHS;
    expect(seen.size).toBe(all);
    // Of 256 bits the one that leans most: 99 of 100 times below 4.1 deviations.
    const some = all / 5;
    const leaning = Math.max(...[...counts].map((count) => Math.abs(count - some / 2) / Math.sqrt(some / 4)));
    expect(leaning).toBeLessThan(4.1);
  });

  test('the nearest DID is one’s own as often as chance has it', () => {
    const roll = dice(1);
    const hits = PAIRS.reduce((sum, [s, e, t, f]) => sum + nearestByBits(cell(s, e), cell(t, f), roll), 0);
    const interval = chance(PAIRS.length * PERSONS, PERSONS);
    expect([interval, hits, within(interval, hits)]).toEqual([interval, hits, true]);
    if (!isFull) expect(README).toContain(`for ${hits} of 8,000 (expected 8, ${interval.join(' to ')})`);
  });

  test('nor is anything learned from 500 persons whom the linker is told', () => {
    const roll = dice(2);
    const some = PAIRS.slice(0, isFull ? PAIRS.length : 4);
    const hits = some.reduce((sum, [s, e, t, f]) => sum + learnedFromBits(cell(s, e), cell(t, f), roll), 0);
    const interval = chance(some.length * (PERSONS / 2), PERSONS / 2);
    expect([interval, hits, within(interval, hits)]).toEqual([interval, hits, true]);
    if (!isFull) expect(README).toContain(`${hits} of 2,000 others (expected 4, ${interval.join(' to ')})`);
  });

  test('a linker that can: it finds 4 bits in 256 that leak, and DIDs that stay', () => {
    const [a, b] = [cell(0, 0), Uint32Array.from(cell(1, 0))];
    for (let person = 0; person < PERSONS; person++)
      b[person * 8] = (b[person * 8]! & ~0xf) | (a[person * 8]! & 0xf);
    const [, high] = chance(PERSONS / 2, PERSONS / 2);
    expect(learnedFromBits(a, b, dice(3))).toBeGreaterThan(high);
    expect(nearestByBits(a, a, dice(4))).toBe(PERSONS);
  });

  test('records, certificates and tokens: of one size, and what they say beside keys is the same for all', async () => {
    const clock = clockAt(EPOCH * 86_400_000 + 43_200_000);
    const registrar = await registrarAt(clock);
    const issuerKey = await registrar.issuerKey('members');
    const sizes = new Set<string>();
    const said = new Set<string>();
    const values = new Map<string, string>();
    for (let person = 0; person < 6; person++) {
      const me = await holder(`person ${person}`, clock, { maxVersion: 3 });
      for (const service of [1, 2]) {
        const audience = serviceOf(service);
        const identity = await me.identityFor(audience);
        const { did } = identity;
        const record = await createKeyRecord(identity, { clock });
        const certificate = await registrar.certify({ did, audience, class: 'members' });
        const token = await requestToken({
          did,
          audience,
          issuerKey,
          registrar: { did: registrar.did },
          sign: (blinded) => registrar.blindSign('members', issuerKey.epoch, blinded, `person ${person}`),
        });
        const all = [record, certificate, token] as unknown as Record<string, unknown>[];
        sizes.add(all.map((one) => JSON.stringify(one).length).join(' '));
        const own = /^(did|x25519|mlKem768|mlDsa65|signature|pqSignature|prefix|audience)$/;
        for (const one of all)
          for (const [name, value] of Object.entries(one)) {
            if (!own.test(name)) said.add(`${one['kind'] ?? 'record'} ${name} ${JSON.stringify(value)}`);
            else if (name !== 'audience' && name !== 'did') {
              expect([name, values.get(String(value))]).toEqual([name, undefined]); // no value comes twice, anywhere
              values.set(String(value), name);
            }
          }
      }
    }
    expect([...sizes]).toHaveLength(1);
    const names = [...said].map((text) => text.split(' ', 2).join(' '));
    expect(new Set(names).size).toBe(names.length); // one value for each member
    const sizeOf = [...sizes][0]!.split(' ').map(Number);
    const same = Array.from({ length: PERSONS }, () => sizeOf[0]!);
    expect(within(chance(PERSONS, PERSONS), nearestByNumber(same, same, dice(5)))).toBe(true);
  });
});

describe('on what it does not decide, the README has figures', () => {
  const DAY_S = 86_400;
  const percent = (hits: number, of = PERSONS) => `${((hits / of) * 100).toFixed(1)} %`;
  const persons = Array.from({ length: PERSONS }, (_, person) => person);

  /** Figures by what they are about. All follow from fixed seeds. */
  function figures(): Readonly<Record<string, string>> {
    const roll = dice(6);
    // Homes of one to four persons, each home behind one address: the linker takes any who has the same.
    const home = persons.map(() => Math.floor(roll() * (PERSONS / 2.5)));
    const byAddress = nearestByNumber(home, home, roll);
    // Everybody comes at a time of day of their own, give or take.
    const habit = persons.map(() => roll() * DAY_S);
    const around = (minutes: number) => habit.map((at) => at + normal(roll) * minutes * 60);
    const byHabit = (minutes: number) => nearestByNumber(around(minutes), around(minutes), roll);
    const atRandom = () => persons.map(() => roll() * DAY_S);
    // One service is called after the other: the second some seconds after the first.
    const first = atRandom();
    const seconds = (mean: number) => first.map((at) => at - Math.log(1 - roll()) * mean);
    const oneAfterTheOther = (mean: number) => nearestByNumber(first, seconds(mean), roll);
    const asked = atRandom();
    const shownAtOnce = nearestByNumber(
      asked,
      asked.map((at) => at + 0.2 + roll() * 0.3),
      roll,
    );
    const shownLater = nearestByNumber(asked, atRandom(), roll);
    return {
      'same address (homes of 1 to 4 persons)': percent(byAddress),
      'habit: the same time of day, give or take 1 minute': percent(byHabit(1)),
      'habit: the same time of day, give or take 1 hour': percent(byHabit(60)),
      'two services called within some 2 seconds': percent(oneAfterTheOther(2)),
      'two services called within some 10 minutes': percent(oneAfterTheOther(600)),
      'a token asked for and shown at once': percent(shownAtOnce),
      'a token asked for at another time of the day': percent(shownLater),
    };
  }

  test('addresses and times', () => {
    const measured = figures();
    for (const [what, value] of Object.entries(measured))
      expect([what, README.includes(`| ${what} | ${value} |`), value]).toEqual([what, true, value]);
    const share = (name: string) => Number.parseFloat(measured[name]!);
    expect(share('same address (homes of 1 to 4 persons)')).toBeGreaterThan(20);
    expect(share('a token asked for and shown at once')).toBeGreaterThan(90);
    expect(share('a token asked for at another time of the day')).toBeLessThan(1);
  });

  test('few persons: who guesses is right once in so many', () => {
    const roll = dice(7);
    for (const [members, said] of [
      [3, '33 %'],
      [10, '10 %'],
      [1000, '0.1 %'],
    ] as const) {
      const rounds = 200_000;
      let hits = 0;
      for (let round = 0; round < rounds; round++)
        if (Math.floor(roll() * members) === round % members) hits++;
      const mean = rounds / members;
      expect(Math.abs(hits - mean)).toBeLessThan(3 * Math.sqrt(mean));
      expect(README).toContain(`| a class of ${members.toLocaleString('en-US')} | ${said} |`);
    }
  });
});
