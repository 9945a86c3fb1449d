// `ctx.state.auth` of an application that names its adapter.
import '@private.me/xlink/koa-types';
import { type ApiKeyAuth, authOf, type XlinkAuth } from '@private.me/xlink';
import { requireScope } from '@private.me/xlink/koa';
import Koa from 'koa';
import { adapter, type Customer } from './adapter.js';

type Known = XlinkAuth | ApiKeyAuth<Customer>;

const app = new Koa();
app.use(adapter.koaDashboard({ path: '/xlink', password: 'a password of 20 characters' }));
app.use(adapter.koa());
app.use(requireScope('orders:write'));
app.use((ctx) => {
  const auth: Known | undefined = ctx.state.auth;
  const verified: Known | undefined = authOf(ctx);
  // @ts-expect-error an adapter may be missing in front
  void ctx.state.auth.mode;
  // @ts-expect-error Customer has no such member
  if (ctx.state.auth?.mode === 'api-key') void ctx.state.auth.plann;
  const at: number | undefined = ctx.state.agentMessage?.timestamp;
  ctx.body = { auth, verified, at };
});

// A state that the application declares itself goes its own way.
const own = new Koa<{ requestId: string }>();
own.use(adapter.koa());
own.use((ctx) => {
  const auth: Known | undefined = adapter.authOf(ctx);
  ctx.body = { auth, id: ctx.state.requestId };
});
