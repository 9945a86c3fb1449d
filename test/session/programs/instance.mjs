// One instance of an API with sessions, and what it shares with others in Redis or PostgreSQL. Settings: { backend, port, seed }.
import { createServer } from 'node:http';
import { Agent, CachedTrustRegistry, DualModeAdapter, Identity, RedisNonceStore } from '@private.me/xlink';
import {
  PostgresNonceStore,
  PostgresSequenceStore,
  PostgresTicketKeyStore,
  PostgresTrustRegistry,
} from '@private.me/xlink/postgres';
import {
  RedisSequenceStore,
  RedisTicketKeyStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import express from 'express';
import { Redis } from 'ioredis';
import pg from 'pg';
import { answerQuestions } from './questions.mjs';

const { backend, port, seed } = JSON.parse(process.env.SETTINGS);
const host = '127.0.0.1';
const timeoutMs = 10_000; // a busy machine is no outage

const connect = {
  redis() {
    const open = () => new Redis({ ...redisClientOptions.ioredis, host, port });
    const client = open();
    return {
      registry: new RedisTrustRegistry({ client, subscriber: open() }),
      nonceStore: new RedisNonceStore({ client, timeoutMs }),
      sequences: new RedisSequenceStore({ client, timeoutMs }),
      tickets: new RedisTicketKeyStore({ client, timeoutMs }),
    };
  },
  postgres() {
    const pool = new pg.Pool({ host, port, user: 'postgres', database: 'postgres', max: 4 });
    return {
      registry: new PostgresTrustRegistry({ pool }),
      nonceStore: new PostgresNonceStore({ pool, timeoutMs }),
      sequences: new PostgresSequenceStore({ pool, timeoutMs }),
      tickets: new PostgresTicketKeyStore({ pool, timeoutMs }),
    };
  },
};

const stores = connect[backend]();
const registry = new CachedTrustRegistry({ registry: stores.registry });
const identity = await Identity.fromSeed(Buffer.from(seed, 'hex'));
const agent = new Agent({ identity, registry, nonceStore: stores.nonceStore });
const adapter = new DualModeAdapter({
  agent,
  legacyKeyValidator: () => null,
  mode: 'hybrid',
  instances: 4,
  sessions: { sequences: stores.sequences, tickets: stores.tickets },
});

let handled = 0;
const app = express();
app.use(adapter.middleware());
app.all('/form', (req, res) => {
  handled += 1;
  res.status(201).json({ form: req.auth.form });
});
const server = createServer(app).listen(0, host);
await new Promise((resolve) => server.once('listening', resolve));

answerQuestions(`http://${host}:${server.address().port}`, {
  handled: () => handled,
  feed: () => registry.changeFeed,
  async revoke({ did }) {
    const { error } = await registry.revoke(did);
    if (error) throw error;
  },
  /** As many at once as are asked for, of one number after the other. Resolves to how many of each were first. */
  async claim({ use, numbers, racers }) {
    const firsts = [];
    for (const seq of numbers) {
      const claims = Array.from({ length: racers }, () =>
        stores.sequences.claimSequence({ ...use, seq }, 61_000),
      );
      firsts.push((await Promise.all(claims)).filter(Boolean).length);
    }
    return firsts;
  },
});
