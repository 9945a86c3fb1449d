import { type AuthnRequest, readAuthnRequest } from './authn-request.js';
import type { Entities } from './entities.js';
import { CONTEXTS, NAME_ID_FORMATS, type SamlServiceProvider, type XlockSamlOptions } from './options.js';
import type { SamlSignIn } from './sign-ins.js';
import type { SamlMessage } from './transport.js';
import { refused } from './xml.js';

/** How old a request may be, in ms, beside the skew of clocks. */
export const FRESH_MS = 300_000;
/** How long a sign-in may take, in ms. */
export const SIGN_IN_MS = 600_000;

/** Checks a request, and makes a sign-in of it. Throws `REQUEST_INVALID`: nothing is sent to an address that was not checked. */
export function accepted(
  message: SamlMessage,
  entities: Entities,
  options: XlockSamlOptions,
  now: number,
): SamlSignIn {
  const request = readAuthnRequest(message.xml);
  const provider = options.serviceProviders.find(({ entityId }) => entityId === request.issuer);
  if (!provider) throw refused('The service is not registered.');
  entities.assertSigned(provider, message);
  const place = `${options.url}/sso`;
  if (request.destination === undefined ? provider.certificates : request.destination !== place)
    throw refused('Destination must be the address that the request was sent to.');
  const { clockSkewMs = 60_000 } = options;
  if (request.issuedAt > now + clockSkewMs || request.issuedAt < now - FRESH_MS - clockSkewMs)
    throw refused('The request is too old, or of the future: check the clocks.');
  const context = contextFor(request, provider);
  const isGoodFormat = request.nameIdFormat === undefined || isFormatOf(request.nameIdFormat, provider);
  const failure = context === undefined ? 'NoAuthnContext' : isGoodFormat ? undefined : 'InvalidNameIDPolicy';
  return {
    entityId: provider.entityId,
    requestId: request.id,
    acsUrl: acsOf(request, provider),
    relayState: message.relayState,
    context: context ?? '',
    forceAuthn: request.forceAuthn,
    isPassive: request.isPassive,
    until: now + SIGN_IN_MS,
    ...(failure === undefined ? {} : { outcome: { failure } }),
  };
}

function acsOf({ acsUrl, acsIndex }: AuthnRequest, { acsUrls }: SamlServiceProvider): string {
  if (acsUrl !== undefined) {
    if (!acsUrls.includes(acsUrl)) throw refused('The AssertionConsumerServiceURL is not registered.');
    return acsUrl;
  }
  const found = acsUrls[acsIndex ?? 0];
  if (found === undefined) throw refused('The AssertionConsumerServiceIndex is not registered.');
  return found;
}

/** The class that is asked for and may be answered with; what can be compared by being equal only is compared so. */
function contextFor(
  { contexts, comparison }: AuthnRequest,
  provider: SamlServiceProvider,
): string | undefined {
  const allowed = provider.authnContexts ?? CONTEXTS;
  if (contexts.length === 0) return allowed[0];
  return comparison === 'better' ? undefined : contexts.find((context) => allowed.includes(context));
}

const isFormatOf = (format: string, { nameIdFormat = 'unspecified' }: SamlServiceProvider): boolean =>
  format === NAME_ID_FORMATS[nameIdFormat] || format === NAME_ID_FORMATS.unspecified;
