import { DualMode } from '../adapters/dual-mode.js';
import { type ExpressMiddleware, expressMiddleware } from './express.js';

/**
 * In front of an API: callers may use their API key or an xLink envelope, as the mode has it.
 *
 * After success `req.auth` says who it is, and `req.body` holds the decrypted payload of an envelope, so handlers need
 * not change. Put it in front of body parsers.
 */
export class DualModeAdapter extends DualMode {
  /** For `app.use()` of Express 4 and 5. */
  middleware(): ExpressMiddleware {
    return expressMiddleware(this);
  }
}
