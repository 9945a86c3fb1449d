// `req.auth` of an application that names its adapter, with the types of Express 4 and 5.
import '@private.me/xlink/express-types';
import { type ApiKeyAuth, authOf, requireScope, type XlinkAuth } from '@private.me/xlink';
import express from 'express';
import express4 from 'express4';
import { adapter, type Customer } from './adapter.js';

type Known = XlinkAuth | ApiKeyAuth<Customer>;

const five = express();
five.use('/xlink', adapter.dashboard({ password: 'a password of 20 characters' }));
five.use(adapter.middleware());
five.post('/orders', requireScope('orders:write'), express.json(), (req, res) => {
  const auth: Known | undefined = req.auth;
  const verified: Known | undefined = authOf(req);
  // @ts-expect-error an adapter may be missing in front
  void req.auth.mode;
  if (req.auth?.mode === 'api-key') {
    const plan: 'free' | 'paid' = req.auth.plan;
    // @ts-expect-error Customer has no such member
    void req.auth.plann;
    // @ts-expect-error envelopes have a DID, keys have none
    void req.auth.did;
    res.json({ plan });
  } else if (req.auth) {
    // @ts-expect-error keys have a plan, envelopes have none
    void req.auth.plan;
    res.json({ did: req.auth.did, at: req.agentMessage?.timestamp });
  }
  void [auth, verified];
});

const four = express4();
four.use('/xlink', adapter.dashboard({ password: 'a password of 20 characters' }));
four.use(adapter.middleware());
four.post('/orders', requireScope('orders:write'), express4.json(), (req, res) => {
  const auth: Known | undefined = req.auth;
  // @ts-expect-error Customer has no such member
  if (req.auth?.mode === 'api-key') void req.auth.plann;
  res.json({ auth, at: req.agentMessage?.timestamp });
});
