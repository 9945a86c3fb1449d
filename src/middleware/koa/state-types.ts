import type {} from 'koa';
import type { AppAuth } from '../../adapters/auth-store.js';
import type { AgentMessage } from '../../types/protocol.js';

// Imported by applications that want it, and by nothing else, for the reason that Express' request-types.ts gives.
declare module 'koa' {
  interface DefaultState {
    /** Who sent the request, behind `adapter.koa()`. Writable by any library; `authOf(ctx)` is not. */
    auth?: AppAuth;
    /** The opened message of a request that came as an envelope. */
    agentMessage?: AgentMessage;
  }
}
