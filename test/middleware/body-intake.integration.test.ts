// What is taken in of bodies before it is known who sent them: as little as possible, from each address as much as is fair.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { DualModeAdapter, type DualModeOptions } from '@private.me/xlink';
import { readNodeBody } from '../../src/middleware/node/body.js';
import { afterTest } from '../support/after-test.js';
import { listen } from '../support/listen.js';
import {
  bodyForm,
  json,
  ORDER,
  onTheWire,
  type Sent,
  sealedRequest,
  signedRequest,
} from '../support/requests.js';
import { problemIdOf } from '../support/responses.js';
import { thrownBy } from '../support/results.js';
import { expectRefused, type Service } from '../support/service.js';
import { until } from '../support/until.js';
import { openWire, send } from '../support/wire.js';
import { World, type WorldWithCaller } from '../support/world.js';

const MIB = 1024 * 1024;

/** Announces a body of so many bytes, or of no length, and sends none of it. Resolves once the server has the request. */
async function announce(
  service: Service,
  bytes: number | 'chunked',
  from: string,
  headers: Sent['headers'] = {},
) {
  const length = bytes === 'chunked' ? { 'transfer-encoding': bytes } : { 'content-length': bytes };
  const arrived = once(service.server, 'request');
  const socket = connect({ port: service.port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => {});
  afterTest(() => void socket.destroy());
  await once(socket, 'connect');
  const { headers: type } = bodyForm('');
  socket.write(onTheWire({ method: 'POST', headers: { ...type, ...length, ...headers } }));
  await arrived;
  return socket;
}

const answerOn = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0]);

/** 4 MiB of room: an address alone gets two. */
async function small(options: Partial<DualModeOptions> = {}) {
  const known = await World.withCaller();
  return {
    known,
    service: await known.serve({ maxUnauthenticatedBytes: 4 * MIB, maxEnvelopeBytes: MIB, ...options }),
  };
}

describe('garbage', () => {
  test.each(['x', '[', '{x', ' \n{ 1', '\u0000'])(
    'that begins with %j is refused by its first bytes, while the rest is still to come',
    async (start) => {
      const { service } = await small();
      const wire = await openWire(service.port);
      const { headers } = bodyForm('');
      await wire.write(onTheWire({ method: 'POST', headers: { ...headers, 'content-length': MIB } }));
      await wire.write(start);
      await expectRefused(service, await wire.answer(), '400 PARSE_FAILED:SYNTAX');
    },
  );

  test('white space alone is no garbage yet', async () => {
    const { known, service } = await small();
    const sent = await sealedRequest(known);
    expect((await service.send({ ...sent, body: ` \r\n\t${sent.body}` })).status).toBe(200);
  });
});

describe('[E21] bodies whose sender is not known', () => {
  test('an address that has its share is refused before more is read; others are served', async () => {
    const { known, service } = await small();
    for (let i = 0; i < 2; i++) await announce(service, MIB, '127.0.0.2');
    const third = await announce(service, MIB, '127.0.0.2');
    const answer = await answerOn(third);
    expect(answer).toMatch(/^HTTP\/1.1 429 /);
    expect(answer).toMatch(/^Retry-After: 1\r$/im);
    expect(answer).toContain('"code":"INTAKE_FULL","subCode":"ADDRESS"');
    expect((await service.send(await sealedRequest(known))).status).toBe(200);
    expect(service.calls).toHaveLength(1);
  });

  test('an address that holds nothing is told that the service is full', async () => {
    const { known, service } = await small();
    for (let i = 0; i < 2; i++) await announce(service, MIB, '127.0.0.2');
    await announce(service, MIB, '127.0.0.3');
    const refused = await answerOn(await announce(service, MIB, '127.0.0.4'));
    expect(refused).toMatch(/^HTTP\/1.1 503 /);
    expect(refused).toContain('"code":"INTAKE_FULL","authMethod"');
    expect((await service.send(await sealedRequest(known))).status).toBe(200);
  });

  test('what breaks off, is refused or is verified gives its room back', async () => {
    const { known, service } = await small();
    for (let round = 0; round < 3; round++) {
      const slow = [await announce(service, MIB, '127.0.0.2'), await announce(service, MIB, '127.0.0.2')];
      for (const socket of slow) socket.destroy();
      await service.quiet();
      const junk = bodyForm(`{"${'x'.repeat(MIB - 2)}`);
      expect(problemIdOf(await send(service.port, junk))).toBe('PARSE_FAILED:SYNTAX');
      const large = await sealedRequest(known, {}, { payload: { text: 'x'.repeat(500_000) } });
      expect((await service.send(large)).status).toBe(200);
    }
  });

  test('a body of unknown length takes as much room as it may become', async () => {
    const { service } = await small();
    for (let i = 0; i < 2; i++) await announce(service, 'chunked', '127.0.0.2');
    expect(await answerOn(await announce(service, 1, '127.0.0.2'))).toMatch(/^HTTP\/1.1 429 /);
  });

  test('a request that is verified and still being handled takes none', async () => {
    const known = await World.withCaller();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let arrived = 0;
    const service = await known.serve({
      maxUnauthenticatedBytes: 2 * MIB,
      maxEnvelopeBytes: MIB,
      mount({ app, adapter, handler }) {
        app.use(adapter.middleware());
        app.use(async (_req, _res, next) => {
          arrived += 1;
          await finished;
          next();
        }, handler);
      },
    });
    const large = () => sealedRequest(known, {}, { payload: { text: 'x'.repeat(500_000) } });
    const requests = [];
    for (let i = 0; i < 3; i++) {
      requests.push(send(service.port, await large()));
      await until(() => arrived === i + 1);
    }
    finish();
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('addressOf says whose share it is behind a proxy', async () => {
    const { known, service } = await small({
      addressOf: (request) => request.header('x-forwarded-for'),
    });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    for (let i = 0; i < 2; i++) await announce(service, MIB, '127.0.0.1', from('192.0.2.1'));
    expect(await answerOn(await announce(service, MIB, '127.0.0.1', from('192.0.2.1')))).toContain('ADDRESS');
    expect((await service.send(await sealedRequest(known))).status).toBe(200);
  });

  test('less room than for two of the largest envelopes is an option refused', async () => {
    const { api } = await World.withCaller();
    const made = (more: object) => () =>
      new DualModeAdapter({ agent: api, legacyKeyValidator: () => null, ...more });
    const error = await thrownBy(made({ maxUnauthenticatedBytes: 3 * MIB - 1 }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'maxUnauthenticatedBytes']);
    made({ maxUnauthenticatedBytes: 3 * MIB })();
    made({ maxEnvelopeBytes: 64 * MIB })(); // the default grows with it
  });
});

describe('slow bodies', () => {
  const forms: [string, (known: WorldWithCaller) => Promise<Sent>][] = [
    ['sealed', (known) => sealedRequest(known)],
    ['signed', (known) => signedRequest(known, json(ORDER))],
  ];
  test.each(forms)(
    'a %s body may arrive long after its head, by whose arrival its age counts [B9]',
    async (_, make) => {
      const { known, service } = await small();
      const sent = onTheWire({ method: 'POST', ...(await make(known)) });
      const wire = await openWire(service.port);
      const arrived = once(service.server, 'request');
      await wire.write(sent.subarray(0, -10));
      await arrived;
      await nextTurn(); // what comes with the head is waited for, and the clock read then
      known.clock.advance(240_000);
      await wire.write(sent.subarray(-10));
      expect((await wire.answer()).status).toBe(200);
      await service.refused(await stale(known, make), '401 TIMESTAMP_EXPIRED');
    },
  );

  test('one that takes too long is refused, and what came of it is let go', async () => {
    const outcome = new Promise<unknown>((resolve) => {
      void listen((req, res) => {
        Promise.resolve(readNodeBody(req, [], MIB, undefined, 50)).then(resolve, (error) => {
          res.writeHead(error.status).end();
          resolve(error);
        });
      }).then(async ({ port }) => {
        const wire = await openWire(port);
        await wire.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{"a');
        expect((await wire.answer()).status).toBe(408);
      });
    });
    expect(await outcome).toMatchObject({ id: 'BODY_TOO_SLOW', status: 408 });
  });
});

/** A request that was made well before it is sent. */
async function stale(known: WorldWithCaller, make: (known: WorldWithCaller) => Promise<Sent>): Promise<Sent> {
  const sent = await make(known);
  known.clock.advance(31_000);
  return sent;
}
