const assert = require('node:assert');
const xlink = require('@private.me/xlink');
const koa = require('@private.me/xlink/koa');
const logging = require('@private.me/xlink/logging');
const metrics = require('@private.me/xlink/metrics');
const opentelemetry = require('@private.me/xlink/opentelemetry');
const server = require('@private.me/xlink/server');
const testing = require('@private.me/xlink/testing');
const express = require('express');
const story = require('./story.cjs');
const allVersions = require('./all-versions.cjs');
const signedApp = require('./signed-app.cjs');

test('an Express app behind the adapter', () => story({ xlink, logging, metrics, opentelemetry, express }));

test('envelopes of all versions', () => allVersions(assert, xlink), 30_000);

test(
  'an app under test, by supertest as it is installed',
  () => signedApp({ xlink, testing, express }),
  30_000,
);

test('the other fronts load', () => {
  expect(typeof koa.koaMiddleware).toBe('function');
  expect(typeof server.createRelay).toBe('function');
});
