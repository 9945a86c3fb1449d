import { ENROLL_PATH } from '../http/enrollment.js';
import { KEY_PATH } from '../http/own-routes.js';
import { SESSION_PATH } from '../http/session-headers.js';
import type { ModePolicy } from './modes/policy.js';
import type { DualModeOptions } from './options.js';
import { PublishedDocument, type PublishedDocumentParts, type ServiceFacts } from './published-document.js';
import type { WarnOfSetUp } from './set-up-warnings.js';

/** The discovery document of an adapter, from its options. */
export function createDocument(
  options: DualModeOptions,
  { policy, ...parts }: Pick<PublishedDocumentParts, 'clock' | 'addressOf'> & { readonly policy: ModePolicy },
  warn: WarnOfSetUp,
): PublishedDocument {
  const { agent, hosts = [], publicPaths = [], clients, sessions } = options;
  const facts = (): ServiceFacts => ({
    mode: policy.global,
    acceptsEnvelopes: policy.global !== 'observe' || policy.hasClientModes,
    endpoints: {
      ...(clients ? { enroll: ENROLL_PATH, key: KEY_PATH } : {}),
      ...(sessions ? { session: SESSION_PATH } : {}),
    },
    publicPaths,
  });
  const onUnnamedHost = () =>
    warn(
      'DISCOVERY_BUSY',
      'The option `hosts` is not set: the discovery document speaks for any host a request names.',
    );
  return new PublishedDocument({ ...parts, agent, hosts, facts, onUnnamedHost });
}
