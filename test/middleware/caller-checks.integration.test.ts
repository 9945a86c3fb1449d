import { describe, expect, test } from '@jest/globals';
import type { CallerCheck, XlinkEvent } from '@private.me/xlink';
import * as express from '@private.me/xlink';
import * as fastify from '@private.me/xlink/fastify';
import * as hono from '@private.me/xlink/hono';
import * as koa from '@private.me/xlink/koa';
import { signedRequest } from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

const GUARDS = { express, fastify, hono, koa };

describe.each(STAGES)('requireThat with $name', (stage) => {
  const serve = async (that: CallerCheck) => {
    const known = await World.withCaller();
    const events: XlinkEvent[] = [];
    const options = {
      legacyKeyValidator: () => ({ plan: 'free' }),
      observers: [(e: XlinkEvent) => void events.push(e)],
    };
    const service = await stage.serve(known, options, { guard: { name: { that } } });
    return { known, service, events };
  };

  test('lets through whom the rule says nothing of, by either way', async () => {
    const seen: unknown[] = [];
    const { known, service } = await serve(async (auth) => void seen.push(auth.mode));
    expect((await service.send(await signedRequest(known))).status).toBe(200);
    expect((await service.send({ headers: { 'x-api-key': 'any' } })).status).toBe(200);
    expect(seen).toEqual(['xlink', 'api-key']);
    expect(service.calls).toHaveLength(2);
  });

  test('names the rule that refuses, in the problem and to observers', async () => {
    const { known, service, events } = await serve((auth) =>
      auth.mode === 'xlink' ? 'NOT_KNOWN' : undefined,
    );
    const answer = await service.send(await signedRequest(known));
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'CALLER_REFUSED',
      reason: 'NOT_KNOWN',
      status: 403,
    });
    expect(service.calls).toHaveLength(0);
    const request = events.find(({ type }) => type === 'request');
    expect(request).toMatchObject({ outcome: 'refused', reason: 'CALLER_REFUSED', status: 403 });
  });

  test('shows no text of a reason that is no name', async () => {
    const { known, service } = await serve(() => 'the caller said: <script>');
    const answer = await service.send(await signedRequest(known));
    expect([answer.status, JSON.parse(answer.text).reason]).toEqual([403, undefined]);
  });

  test.each<[string, CallerCheck]>([
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('down');
      },
    ],
  ])('refuses where the rule %s', async (_, that) => {
    const { known, service } = await serve(that);
    const answer = await service.send(await signedRequest(known));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('down');
    expect(service.calls).toHaveLength(0);
  });

  test('asks nothing about nobody', async () => {
    const known = await World.withCaller();
    let asked = 0;
    const that = () => void asked++;
    const service = await stage.serve(known, {}, { at: 'nowhere', guard: { name: { that } } });
    await service.refused({}, '401 CREDENTIALS_MISSING');
    expect(asked).toBe(0);
  });
});

test.each(Object.entries(GUARDS))(
  'requireThat of %s takes a function and nothing else',
  (_, { requireThat }) => {
    for (const wrong of [undefined, 'known', {}])
      expect(() => requireThat(wrong as never)).toThrow('requireThat takes a function');
  },
);
