import { authOf, DualModeAdapter, requireScope } from '@private.me/xlink';
import express, { Router } from 'express';
import { PurchaseError } from './errors.mjs';
import { readEmail } from './order.mjs';

/** What an envelope must be signed for. */
export const PURCHASE_SCOPE = 'aci:purchase';

const MAX_BODY = '32kb';

/**
 * Says in `req.buyer` who buys:
 *
 * - the signer of a request by `xlinkFetch`, which covers method, path, body and headers;
 * - the sender of a message by `agent.createEnvelope()` that came as JSON: body only;
 * - whoever wrote an e-mail address into an unsigned order.
 *
 * @param {object} parts
 * @param {import('@private.me/xlink').Agent} parts.agent
 * @param {import('@private.me/xlink').DualModeAdapter} parts.adapter
 * @param {import('./types.d.ts').Timeline} parts.timeline
 * @param {number} [parts.instances]
 */
export function buyers({ agent, adapter, timeline, instances }) {
  const fromMessage = agent.middleware({ requireRequestBinding: false, instances });
  const mayBuy = requireScope(PURCHASE_SCOPE);
  const router = Router();

  router.use(adapter.middleware());
  router.use(express.raw({ type: 'application/json', limit: MAX_BODY }));
  router.use((req, res, next) => {
    if (!Buffer.isBuffer(req.body)) throw new PurchaseError('CONTENT_TYPE_UNSUPPORTED');
    const body = parsed(req.body);
    const keyHeader = req.get('idempotency-key'); // of a request that is covered, or whatever came
    const more = keyHeader === undefined ? {} : { keyHeader };
    const signed = (/** @type {object} */ rest) => {
      const did = /** @type {string} */ (Object(authOf(req)).did);
      req.buyer = { identity: did, did, ...more, ...rest, body: Object(rest).body };
      mayBuy(req, res, next);
    };

    if (authOf(req)) return signed({ body });
    if (isEnvelope(body))
      return fromMessage(req, res, (error) => {
        if (error) return next(error);
        signed({ body: req.body, envelopeId: req.agentMessage?.envelopeId });
      });
    if (timeline.phase() === 'required') throw new PurchaseError('XLINK_REQUIRED');
    req.buyer = { identity: `email:${readEmail(Object(body).email).toLowerCase()}`, body, ...more };
    next();
  });
  return router;
}

/**
 * The adapter in front: it takes what `xlinkFetch` sends, and leaves JSON that carries no proof to the code above.
 * @param {object} parts
 * @param {import('@private.me/xlink').Agent} parts.agent
 * @param {() => number} parts.clock
 * @param {readonly string[]} [parts.hosts]
 * @param {number} [parts.instances]
 */
export const purchaseAdapter = ({ agent, clock, hosts, instances }) =>
  new DualModeAdapter({
    agent,
    mode: 'xlink-only',
    legacyKeyValidator: () => null,
    skip: isUnprovenJson,
    hosts,
    clock,
    instances,
    maxEnvelopeBytes: 32 * 1024,
    maxBodyBytes: 32 * 1024,
  });

/** @param {import('@private.me/xlink').InboundRequest} request */
const isUnprovenJson = ({ header }) =>
  /^application\/json\s*(;|$)/i.test(header('content-type') ?? '') &&
  PROOFS.every((name) => header(name) === undefined);

/** Headers that carry a proof of identity: whoever sends one means it. */
const PROOFS = ['authorization', 'xlink-envelope', 'xlink-session', 'signature', 'signature-input'];

/** What has one of these is meant to be an envelope: it is not tried as an order if it is a bad one. */
const isEnvelope = (/** @type {unknown} */ body) =>
  ['signature', 'nonce', 'suite', 'payload'].some((name) => Object.hasOwn(Object(body), name));

/** @param {Buffer} bytes */
function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new PurchaseError('BODY_INVALID');
  }
}
