import { describe, expect, test } from '@jest/globals';
import type { Mode, RequestEvent } from '@private.me/xlink';
import { signedSent } from '../signature/support.js';
import {
  type Answer,
  expectNoSecrets,
  json,
  KEY,
  ORDER,
  PREFLIGHT,
  type RefusalText,
  type Sent,
  type Service,
  sealedRequest,
  signedRequest,
  withKey,
} from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

import { challengeOf, DEPRECATION, isOf, MIGRATION_URL, WARNINGS } from './modes-support.js';

const LINK = `<${MIGRATION_URL}>; rel="deprecation"; type="text/html"`;
const MODES: Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];

const otherPath = async (sent: Promise<Sent>): Promise<Sent> => ({ ...(await sent), path: '/refunds' });

const REQUESTS = {
  'a key': async () => withKey(json(ORDER)),
  'a wrong key': async () => withKey(json(ORDER), 'wrong-key-of-somebody'),
  'a sealed body': (known: WorldWithCaller) => sealedRequest(known),
  'an envelope in a header': (known: WorldWithCaller) => signedRequest(known, json(ORDER)),
  'a bad sealed body and a key': async (known: WorldWithCaller) =>
    withKey(await otherPath(sealedRequest(known))),
  'a good sealed body and a key': async (known: WorldWithCaller) => withKey(await sealedRequest(known)),
  'a bad envelope in a header and a key': async (known: WorldWithCaller) =>
    withKey(await otherPath(signedRequest(known, json(ORDER)))),
  'a good envelope in a header and a key': async (known: WorldWithCaller) =>
    withKey(await signedRequest(known, json(ORDER))),
  'a signature': (known: WorldWithCaller) => signedSent(known, json(ORDER)),
  'a bad signature and a key': async (known: WorldWithCaller) =>
    withKey(await otherPath(signedSent(known, json(ORDER)))),
  'a good signature and a key': async (known: WorldWithCaller) =>
    withKey(await signedSent(known, json(ORDER))),
  'an envelope of a DID that never enrolled': async (known: WorldWithCaller) =>
    sealedRequest({ api: known.api, caller: await known.stranger('stranger') }),
  nothing: async () => json(ORDER),
  'a preflight': async () => PREFLIGHT,
  OPTIONS: async () => ({ method: 'OPTIONS' }),
};

type Outcome = 'by key' | 'by envelope' | 'by signature' | 'through' | RefusalText;

const TABLE: Record<keyof typeof REQUESTS, Record<Mode, Outcome>> = {
  'a key': {
    observe: 'by key',
    hybrid: 'by key',
    deprecation: 'by key',
    'xlink-only': '401 XLINK_REQUIRED',
  },
  'a wrong key': {
    observe: '401 API_KEY_INVALID',
    hybrid: '401 API_KEY_INVALID',
    deprecation: '401 API_KEY_INVALID',
    'xlink-only': '401 XLINK_REQUIRED',
  },
  'a sealed body': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'an envelope in a header': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'a bad sealed body and a key': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: '401 REQUEST_BINDING_MISMATCH',
    deprecation: '401 REQUEST_BINDING_MISMATCH',
    'xlink-only': '401 REQUEST_BINDING_MISMATCH',
  },
  'a good sealed body and a key': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'a bad envelope in a header and a key': {
    observe: 'by key',
    hybrid: '401 REQUEST_BINDING_MISMATCH',
    deprecation: '401 REQUEST_BINDING_MISMATCH',
    'xlink-only': '401 REQUEST_BINDING_MISMATCH',
  },
  'a good envelope in a header and a key': {
    observe: 'by key',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'a signature': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by signature',
    deprecation: 'by signature',
    'xlink-only': 'by signature',
  },
  'a bad signature and a key': {
    observe: 'by key',
    hybrid: '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    deprecation: '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    'xlink-only': '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
  },
  'a good signature and a key': {
    observe: 'by key',
    hybrid: 'by signature',
    deprecation: 'by signature',
    'xlink-only': 'by signature',
  },
  'an envelope of a DID that never enrolled': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    deprecation: '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    'xlink-only': '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
  },
  nothing: {
    observe: '401 CREDENTIALS_MISSING',
    hybrid: '401 CREDENTIALS_MISSING',
    deprecation: '401 CREDENTIALS_MISSING',
    'xlink-only': '401 CREDENTIALS_MISSING',
  },
  'a preflight': {
    observe: 'through',
    hybrid: 'through',
    deprecation: 'through',
    'xlink-only': 'through',
  },
  OPTIONS: {
    observe: '401 CREDENTIALS_MISSING',
    hybrid: '401 CREDENTIALS_MISSING',
    deprecation: '401 CREDENTIALS_MISSING',
    'xlink-only': '401 CREDENTIALS_MISSING',
  },
};

const ROWS = MODES.flatMap((mode) =>
  Object.entries(TABLE).map(([name, outcomes]) => ({
    mode,
    name: name as keyof typeof REQUESTS,
    outcome: outcomes[mode],
  })),
);

/** Whether the caller has yet to move: it is told where it says how. */
const isToMove = (mode: Mode, id: string) =>
  id === 'XLINK_REQUIRED' ||
  (id === 'CREDENTIALS_MISSING' && mode === 'xlink-only') ||
  (id === 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY' && mode !== 'observe');

const warningsOf = ({ headers }: Answer) =>
  Object.fromEntries(WARNINGS.filter((name) => headers[name]).map((name) => [name, headers[name]]));

const requestsOf = ({ events }: Service): RequestEvent[] => events.filter(isOf('request'));

describe.each(STAGES)('$name', ({ serve }) => {
  describe('what a mode makes of a request', () => {
    test.each(ROWS)('$mode: $name -> $outcome', async ({ mode, name, outcome }) => {
      const known = await World.withCaller();
      const service = await serve(known, { mode, deprecation: DEPRECATION, signatures: true });
      const sent = await REQUESTS[name](known);

      if (outcome.includes(' ') && !outcome.startsWith('by')) {
        const answer = await service.refused(sent, outcome as RefusalText);
        const id = outcome.slice(4);
        const challenge = outcome.startsWith('401') ? challengeOf(mode, id) : undefined;
        expect(answer.headers['www-authenticate']).toBe(challenge);
        expect(warningsOf(answer)).toEqual(
          isToMove(mode, id)
            ? {
                'x-migration-url': MIGRATION_URL,
                link: LINK,
                'access-control-expose-headers': 'Link, X-Deprecated-Auth, X-Migration-Url',
              }
            : {},
        );
        expect(requestsOf(service)).toMatchObject([
          { mode, outcome: 'refused', reason: id, status: Number(outcome.slice(0, 3)) },
        ]);
        expect(service.validated).toHaveLength(id === 'API_KEY_INVALID' ? 1 : 0);
        return;
      }
      const answer = await service.send(sent);
      await service.quiet();
      expect(answer.status).toBe(200);
      expect(service.calls).toHaveLength(1);
      const { auth, authOf } = service.calls[0]!;
      expect(authOf).toEqual(auth);
      if (outcome === 'through') {
        expect(auth).toBeUndefined();
        expect(requestsOf(service)).toEqual([]);
      } else if (outcome === 'by key') {
        expect(auth).toEqual({ mode: 'api-key', userId: 'u1' });
        expect(service.validated).toEqual([KEY]);
        expect(requestsOf(service)).toMatchObject([
          { mode, method: 'api-key', outcome: 'accepted', reason: 'ok', status: 200 },
        ]);
      } else {
        const form = outcome.slice('by '.length);
        expect(auth).toMatchObject({ mode: 'xlink', form, did: known.caller.did });
        expect(service.validated).toEqual([]);
        expect(requestsOf(service)).toMatchObject([
          { mode, method: 'xlink', form, outcome: 'accepted', reason: 'ok', status: 200 },
        ]);
      }
      const warned = mode === 'deprecation' && outcome === 'by key';
      expect(Object.keys(warningsOf(answer))).toEqual(warned ? [...WARNINGS] : []);
      expect(answer.headers['www-authenticate']).toBeUndefined();
      expectNoSecrets(service);
    });

    test('the default mode is observe', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { mode: undefined as never });
      expect(service.adapter.mode).toBe('observe');
      expect((await service.send(withKey())).status).toBe(200);
    });

    test('the realm is that of the options', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { realm: 'orders v2' });
      const { headers } = await service.refused({}, '401 CREDENTIALS_MISSING');
      expect(headers['www-authenticate']).toBe(
        'Xlink realm="orders v2", error="CREDENTIALS_MISSING", ApiKey realm="orders v2"',
      );
    });

    test('hint and field are told only where exposeDetails says so', async () => {
      for (const exposeDetails of [true, false]) {
        const known = await World.withCaller();
        const service = await serve(known, { exposeDetails });
        const sent = await otherPath(signedRequest(known));
        const answer = await service.refused(sent, '401 REQUEST_BINDING_MISMATCH');
        const members = ['type', 'title', 'status', 'code', 'authMethod'];
        expect(Object.keys(JSON.parse(answer.text))).toEqual(
          exposeDetails ? [...members, 'detail', 'field'] : members,
        );
      }
    });

    test('requests that skip names reach the handler without credentials, and are not counted', async () => {
      const known = await World.withCaller();
      const skip = ({ target }: { target: string }) => target === '/health';
      const service = await serve(known, { skip, mode: 'xlink-only' });
      expect((await service.send({ path: '/health' })).status).toBe(200);
      await service.refused({ path: '/health/' }, '401 CREDENTIALS_MISSING');
      expect(requestsOf(service)).toHaveLength(1);
    });

    test('a skip that throws refuses the request and tells the server', async () => {
      const known = await World.withCaller();
      const cause = new Error('no such table');
      const skip = () => {
        throw cause;
      };
      const service = await serve(known, { skip });
      await service.refused(withKey(), '500 INTERNAL');
      expect(service.events.filter(isOf('fault'))).toMatchObject([{ error: { id: 'INTERNAL', cause } }]);
    });
  });
});
