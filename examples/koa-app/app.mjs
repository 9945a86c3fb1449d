import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import { Agent, DualModeAdapter, MemoryClientStore, MemoryTrustRegistry } from '@private.me/xlink';
import { requireScope } from '@private.me/xlink/koa';
import Koa from 'koa';

/** The keys of an API as it was before xLink. */
const KEYS = new Map([['sk_demo', { clientId: 'ada', scopes: ['orders:read', 'orders:write'] }]]);

const agent = await Agent.quickstart({ name: 'orders', registry: new MemoryTrustRegistry() });
const adapter = new DualModeAdapter({
  agent,
  mode: 'hybrid',
  legacyKeyValidator: (apiKey) => KEYS.get(apiKey) ?? null,
  clients: new MemoryClientStore(), // a client enrolls an identity with its key, which is then known as that client
});

const orders = [{ id: 1, client: 'ada', product: 'espresso-1kg' }];
const clientOf = ({ auth }) => (auth.mode === 'xlink' ? auth.client : auth.clientId);

const router = new Router();
router.get('/orders', requireScope('orders:read'), (ctx) => {
  ctx.body = { orders: orders.filter(({ client }) => client === clientOf(ctx.state)) };
});
router.post('/orders', requireScope('orders:write'), (ctx) => {
  const order = { id: orders.length + 1, client: clientOf(ctx.state), product: ctx.request.body.product };
  orders.push(order);
  ctx.status = 201;
  ctx.body = order;
});

const app = new Koa();
app.use(adapter.koa()); // from here on every caller is known, by API key or by xLink
app.use(bodyParser());
app.use(router.routes());

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`${agent.did}\nlistening on http://127.0.0.1:${server.address().port}`);
});
