import { XlockError } from '../errors.js';
import { decodeChallenge, encodeChallenge, type XlockChallenge } from './challenge.js';

/** Where a universal link of a service leads, below its origin. */
export const LINK_PATH = '/.well-known/xlock';

/** Links that a device opens or scans. */
export interface XlockLinks {
  /** `xlock://register?…` or `xlock://auth?…`. Any app on the device may claim the scheme: prefer `https`. */
  readonly app: string;
  /** The same below the origin of the service, for platforms where an app owns links of an origin. */
  readonly https: string;
}

/** The links of a challenge. `service`, `did` and `callback` stand beside it for people; what counts is the signed challenge. */
export function linksOf(challenge: XlockChallenge): XlockLinks {
  const query = new URLSearchParams({
    service: new URL(challenge.origin).host,
    challenge: encodeChallenge(challenge),
    ...(challenge.did === '' ? {} : { did: challenge.did }),
    ...(challenge.callback === '' ? {} : { callback: challenge.callback }),
  });
  const kind = challenge.kind;
  return {
    app: `xlock://${kind}?${query}`,
    https: `${challenge.origin}${LINK_PATH}/${kind}?${query}`,
  };
}

/** `xlock://recover?…`: which passkey is to be recovered on the device that opens it. */
export const recoveryLink = (service: string, did: string): string =>
  `xlock://recover?${new URLSearchParams({ service, did })}`;

/** The challenge in a link of either kind, or in the bare text of a push. Throws `CHALLENGE_INVALID`, also for a link that says otherwise. */
export function readChallenge(text: string): XlockChallenge {
  if (typeof text !== 'string' || !/^(xlock|https?):\/\//.test(text)) return decodeChallenge(text);
  if (!URL.canParse(text)) throw new XlockError('CHALLENGE_INVALID');
  const url = new URL(text);
  const challenge = decodeChallenge(url.searchParams.get('challenge') ?? '');
  const kind = url.protocol === 'xlock:' ? url.hostname : url.pathname.slice(LINK_PATH.length + 1);
  const service = url.searchParams.get('service');
  if (kind !== challenge.kind || (service !== null && service !== new URL(challenge.origin).host))
    throw new XlockError('CHALLENGE_INVALID');
  if (url.protocol !== 'xlock:' && url.origin !== challenge.origin)
    throw new XlockError('CHALLENGE_INVALID:ORIGIN');
  return challenge;
}
