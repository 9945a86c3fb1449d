// Every front with its types, in the oldest way of resolving.
import assert from 'node:assert';
import { type Agent, authOf, FileTrustRegistry, isXlinkError, RedisNonceStore } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { FileNonceStore } from '@private.me/xlink/file';
import { type KoaMiddleware, koaMiddleware } from '@private.me/xlink/koa';
import { redactHeaders } from '@private.me/xlink/logging';
import { METRICS } from '@private.me/xlink/metrics';
import { openTelemetry } from '@private.me/xlink/opentelemetry';
import { PostgresModeStore } from '@private.me/xlink/postgres';
import { RedisModeStore } from '@private.me/xlink/redis';
import { createRelay, type Relay } from '@private.me/xlink/server';
import { verifyEnvelope } from '@private.me/xlink/verify';
import { WebBotAuth } from '@private.me/xlink/web-bot-auth';

const values = [
  ...[authOf, FileTrustRegistry, isXlinkError, RedisNonceStore],
  ...[xlinkFetch, FileNonceStore, koaMiddleware, redactHeaders, openTelemetry],
  ...[PostgresModeStore, RedisModeStore, createRelay, verifyEnvelope, WebBotAuth],
];
for (const value of values) assert.equal(typeof value, 'function');
assert.ok(Object.keys(METRICS).length > 0);

// @ts-expect-error Were the types of a front not found, all would be any and this would pass.
export const wrong: [Agent, KoaMiddleware, Relay] = [1, 2, 3];
