// An Express API with pino in front of xLink: one line for each request, one for each refusal, and no credential in any.
// Run it: npm run build && node examples/logging/pino.mjs
import { pathToFileURL } from 'node:url';
import { Agent, DualModeAdapter } from '@private.me/xlink';
import { logObserver, REDACT_PATHS, SERIALIZERS } from '@private.me/xlink/logging';
import express from 'express';
import pino from 'pino';

/** The keys of an API as it was before xLink. */
const KEYS = new Map([['sk_demo_4f7a', { clientId: 'ada' }]]);

/**
 * @param {import('pino').DestinationStream} [destination] Default: standard output.
 */
export async function openApp(destination) {
  const logger = pino(
    {
      level: 'debug',
      serializers: SERIALIZERS, // catches near misses: Authorization, x-api-kye, ?apikye=
      redact: { paths: [...REDACT_PATHS], censor: '[redacted]' }, // a second net, for objects that no serializer sees
    },
    destination ?? pino.destination({ sync: true }),
  );
  const agent = await Agent.quickstart({ name: 'orders' });
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    legacyKeyValidator: (apiKey) => KEYS.get(apiKey) ?? null,
    observers: [logObserver(logger.child({ component: 'xlink' }))],
  });

  const app = express();
  app.use((req, res, next) => {
    res.once('close', () => logger.info({ req, res }, 'request'));
    next();
  });
  app.use(adapter.middleware());
  app.use(express.json());
  app.post('/orders', (req, res) => res.status(201).json({ received: req.body }));
  app.get('/orders', (_req, res) => res.json({ orders: [] }));
  app.get('/broken', () => {
    throw new Error('the handler failed');
  });
  app.use(errorHandler(logger));
  return { app, agent };
}

/**
 * @param {import('pino').Logger} logger
 * @returns {import('express').ErrorRequestHandler}
 */
const errorHandler = (logger) => (error, req, res, _next) => {
  const status = error.status ?? 500;
  // What a parser refuses it quotes, and that is a piece of the body: no line holds it.
  if (status >= 500) logger.error({ err: error, req }, 'handler failed');
  res.status(status).json({ error: status >= 500 ? 'internal' : 'bad request' });
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { app } = await openApp();
  const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${Object(server.address()).port}`);
  });
}
