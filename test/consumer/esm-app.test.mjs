// The same as an ES module, with Jest as ES modules need it.
import * as xlink from '@private.me/xlink';
import * as testing from '@private.me/xlink/testing';
import express from 'express';
import signedApp from './signed-app.cjs';

test(
  'an app under test, by supertest as it is installed',
  () => signedApp({ xlink, testing, express }),
  30_000,
);
