import type { ApiOf, Route } from '../route.js';
import { accessRoutes } from './access.js';
import { agentRoutes } from './agents.js';
import { envelopeRoutes, relayRoutes } from './envelopes.js';
import { invitePageRoutes, inviteRoutes } from './invites.js';
import { operationRoutes } from './operation.js';
import { prekeyRoutes } from './prekeys.js';
import { registryRoutes } from './registry.js';
import { serviceRoutes } from './services.js';
import { systemRoutes } from './system.js';

const OWN = [
  ...systemRoutes,
  ...accessRoutes,
  ...agentRoutes,
  ...envelopeRoutes,
  ...inviteRoutes,
  ...serviceRoutes,
  ...prekeyRoutes,
  ...operationRoutes,
] as const;

/** The route table: the validator, the OpenAPI document, the page of the documentation and the types of clients come from it. */
export const ROUTES: readonly Route[] = [...OWN, ...invitePageRoutes, ...registryRoutes, ...relayRoutes];

/**
 * What a client sends to each route and gets, by its id: `ServerApi['createAgent']['body']`. The registry and the relay have clients of
 * their own: `HttpTrustRegistry` and `GatewayTransport`.
 */
export type ServerApi = ApiOf<typeof OWN>;
