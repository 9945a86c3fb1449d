import type { AppAuth } from '../../adapters/auth-store.js';
import type { AgentMessage } from '../../types/protocol.js';

// Express 4 and 5 both take the members of their Request from here. Imported by applications that want it, and by
// nothing else: another library may declare `auth` too, and one program takes only one type for it.
declare global {
  namespace Express {
    interface Request {
      /** Who sent the request, behind `adapter.middleware()`. Writable by any library; `authOf(req)` is not. */
      auth?: AppAuth;
      /** The opened message of a request that came as an envelope. */
      agentMessage?: AgentMessage;
    }
  }
}
