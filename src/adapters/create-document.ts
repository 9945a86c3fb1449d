import { xlinkError } from '../errors/errors.js';
import { ENROLL_PATH } from '../http/enrollment.js';
import { KEY_PATH } from '../http/own-routes.js';
import type { XlinkEvent } from '../types/events.js';
import type { ModePolicy } from './modes/policy.js';
import type { DualModeOptions } from './options.js';
import { PublishedDocument, type PublishedDocumentParts, type ServiceFacts } from './published-document.js';

/** The discovery document of an adapter, from its options. */
export function createDocument(
  options: DualModeOptions,
  { policy, ...parts }: Pick<PublishedDocumentParts, 'clock' | 'addressOf'> & { readonly policy: ModePolicy },
  emit: (event: XlinkEvent) => void,
): PublishedDocument {
  const { agent, hosts = [], publicPaths = [], clients, observers } = options;
  const facts = (): ServiceFacts => ({
    mode: policy.global,
    acceptsEnvelopes: policy.global !== 'observe' || policy.hasClientModes,
    endpoints: clients ? { enroll: ENROLL_PATH, key: KEY_PATH } : {},
    publicPaths,
  });
  const onUnnamedHost = () => warn(observers !== undefined && observers.length > 0, emit);
  return new PublishedDocument({ ...parts, agent, hosts, facts, onUnnamedHost });
}

/** Printed where there is no observer. */
function warn(isObserved: boolean, emit: (event: XlinkEvent) => void): void {
  const { id: code, docUrl } = xlinkError('DISCOVERY_BUSY');
  const message =
    'The option `hosts` is not set: the discovery document speaks for any host a request names.';
  emit({ type: 'warning', code, message });
  if (!isObserved) console.warn(`xlink: ${code}: ${message} ${docUrl}`);
}
