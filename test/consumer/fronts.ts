// Every front with its types, in the oldest way of resolving.
import assert from 'node:assert';
import { type Agent, authOf, isXlinkError } from '@private.me/xlink';
import { type KoaMiddleware, koaMiddleware } from '@private.me/xlink/koa';
import { redactHeaders } from '@private.me/xlink/logging';
import { METRICS } from '@private.me/xlink/metrics';
import { openTelemetry } from '@private.me/xlink/opentelemetry';
import { createRelay, type Relay } from '@private.me/xlink/server';

for (const value of [authOf, isXlinkError, koaMiddleware, redactHeaders, openTelemetry, createRelay])
  assert.equal(typeof value, 'function');
assert.ok(Object.keys(METRICS).length > 0);

// @ts-expect-error Were the types of a front not found, all would be any and this would pass.
export const wrong: [Agent, KoaMiddleware, Relay] = [1, 2, 3];
