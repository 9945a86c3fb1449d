import { describe, expect, test } from '@jest/globals';
import { isXlinkError, type Mode, type RequestEvent } from '@private.me/xlink';
import { type Answer, KEY, type Service, signedRequest, withKey } from '../support/http.js';
import { thrownBy } from '../support/results.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

import { challengeOf, DEPRECATION, isOf, MIGRATION_URL, WARNINGS } from './modes-support.js';

const LINK = `<${MIGRATION_URL}>; rel="deprecation"; type="text/html"`;
const warningsOf = ({ headers }: Answer) =>
  Object.fromEntries(WARNINGS.filter((name) => headers[name]).map((name) => [name, headers[name]]));

const requestsOf = ({ events }: Service): RequestEvent[] => events.filter(isOf('request'));

describe.each(STAGES)('$name', ({ serve }) => {
  describe('deprecation', () => {
    test('warns a key caller in every form there is, and keeps headers that are there', async () => {
      const known = await World.withCaller();
      const service = await serve(
        known,
        { mode: 'deprecation', deprecation: DEPRECATION },
        { headers: { Link: '</next>; rel="next"', 'Access-Control-Expose-Headers': 'ETag' } },
      );
      expect(warningsOf(await service.send(withKey()))).toEqual({
        'x-deprecated-auth': 'true',
        'x-migration-url': MIGRATION_URL,
        deprecation: '@1735689600',
        sunset: 'Mon, 30 Jun 2025 12:00:00 GMT',
        link: `</next>; rel="next", ${LINK}`,
        'access-control-expose-headers':
          'ETag, Deprecation, Sunset, Link, X-Deprecated-Auth, X-Migration-Url',
      });
    });

    test('says each thing once', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { mode: 'deprecation', deprecation: DEPRECATION });
      expect(warningsOf(await service.send(withKey()))).toMatchObject({
        link: LINK,
        'access-control-expose-headers': 'Deprecation, Sunset, Link, X-Deprecated-Auth, X-Migration-Url',
      });
    });

    test('keeps several Link headers', async () => {
      const known = await World.withCaller();
      const service = await serve(
        known,
        { mode: 'deprecation', deprecation: DEPRECATION },
        { headers: { Link: ['</a>; rel="prev"', '</b>; rel="next"'] } },
      );
      const { headers } = await service.send(withKey());
      expect(String(headers.link).split(/, ?(?=<)/)).toEqual(['</a>; rel="prev"', '</b>; rel="next"', LINK]);
    });

    test('keeps a challenge that is there', async () => {
      const known = await World.withCaller();
      const service = await serve(known, {}, { headers: { 'WWW-Authenticate': 'Negotiate' } });
      const { headers } = await service.refused({}, '401 CREDENTIALS_MISSING');
      expect(headers['www-authenticate']).toBe(`Negotiate, ${challengeOf('hybrid', 'CREDENTIALS_MISSING')}`);
    });

    test('says since when the mode is on where no date is given, and nothing else', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const before = Math.floor(Date.now() / 1000);
      service.adapter.setMode('deprecation');
      const warnings = warningsOf(await service.send(withKey()));
      expect(Object.keys(warnings)).toEqual([
        'x-deprecated-auth',
        'deprecation',
        'access-control-expose-headers',
      ]);
      const since = Number(String(warnings.deprecation).slice(1));
      expect(since).toBeGreaterThanOrEqual(before);
      expect(since).toBeLessThanOrEqual(Date.now() / 1000);
    });

    test('does not warn callers who came with an envelope, nor those who are refused', async () => {
      const known = await World.withCaller();
      const options = { mode: 'deprecation', deprecation: DEPRECATION } as const;
      const service = await serve(known, options);
      expect(warningsOf(await service.send(await signedRequest(known)))).toEqual({});
      const refused = await service.refused(withKey({}, 'wrong-key-of-somebody'), '401 API_KEY_INVALID');
      expect(warningsOf(refused)).toEqual({});
    });

    test('xlink-only refuses without a link where there is none to give', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { mode: 'xlink-only' });
      expect(warningsOf(await service.refused(withKey(), '401 XLINK_REQUIRED'))).toEqual({});
    });
  });

  describe('setMode', () => {
    test('counts for the next request, never for one under way, and can be taken back', async () => {
      const known = await World.withCaller();
      let release = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      let waiting = 0;
      let allWait = () => {};
      const tenWait = new Promise<void>((resolve) => {
        allWait = resolve;
      });
      const service = await serve(known, {
        async legacyKeyValidator() {
          if (++waiting === 10) allWait();
          await gate;
          return { userId: 'u1' };
        },
      });
      const ten = () => Promise.all(Array.from({ length: 10 }, () => service.send(withKey())));
      const statuses = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))];

      const underWay = ten();
      await tenWait;
      service.adapter.setMode('xlink-only', 'rehearsal');
      expect(statuses(await ten())).toEqual([401]);
      expect(service.calls).toEqual([]);
      service.adapter.setMode('hybrid', 'rolled back');
      const after = ten();
      release();
      expect(statuses(await underWay)).toEqual([200]);
      expect(statuses(await after)).toEqual([200]);
      await service.quiet();

      const tally: Record<string, number> = {};
      for (const { mode, outcome, reason } of requestsOf(service))
        tally[`${mode} ${outcome} ${reason}`] = (tally[`${mode} ${outcome} ${reason}`] ?? 0) + 1;
      expect(tally).toEqual({ 'hybrid accepted ok': 20, 'xlink-only refused XLINK_REQUIRED': 10 });
      expect(service.events.filter(isOf('mode'))).toEqual([
        { type: 'mode', to: 'hybrid' },
        { type: 'mode', from: 'hybrid', to: 'xlink-only', reason: 'rehearsal' },
        { type: 'mode', from: 'xlink-only', to: 'hybrid', reason: 'rolled back' },
      ]);
    });

    test('under constant traffic every request has the outcome of one mode or the other', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const traffic = Array.from({ length: 120 }, async (_, i) => {
        if (i % 20 === 10) service.adapter.setMode(i % 40 === 10 ? 'xlink-only' : 'hybrid');
        return service.send(i % 2 ? withKey() : await signedRequest(known));
      });
      const answers = await Promise.all(traffic);
      await service.quiet();
      answers.forEach(({ status }, i) => {
        expect(i % 2 ? [200, 401] : [200]).toContain(status);
      });
      const allowed = [
        'hybrid api-key ok',
        'hybrid xlink ok',
        'xlink-only xlink ok',
        'xlink-only api-key XLINK_REQUIRED',
      ];
      for (const { mode, method, reason } of requestsOf(service))
        expect(allowed).toContain(`${mode} ${method} ${reason}`);
      expect(requestsOf(service)).toHaveLength(120);
    });

    test('to the mode it is in does nothing', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      service.adapter.setMode('hybrid');
      expect(service.events).toEqual([{ type: 'mode', to: 'hybrid' }]);
    });

    test.each(['', 'HYBRID', 'off', undefined, null, 1, 'toString'])(
      'refuses %j and stays where it is',
      async (mode) => {
        const known = await World.withCaller();
        const service = await serve(known);
        const error = await thrownBy(() => service.adapter.setMode(mode as Mode));
        expect(isXlinkError(error) && [error.id, error.field]).toEqual(['INVALID_OPTION', 'mode']);
        expect(error.hint).toContain('observe, hybrid, deprecation, xlink-only');
        expect(service.adapter.mode).toBe('hybrid');
        expect(service.events).toHaveLength(1);
      },
    );

    test('an observer that throws changes nothing', async () => {
      const known = await World.withCaller();
      const seen: string[] = [];
      const broken = () => {
        throw new Error(`broken ${KEY}`);
      };
      const service = await serve(known, { observers: [broken, ({ type }) => void seen.push(type)] });
      service.adapter.setMode('observe');
      expect((await service.send(withKey())).status).toBe(200);
      await service.quiet();
      expect(seen).toEqual(['mode', 'mode', 'request']);
    });
  });
});
