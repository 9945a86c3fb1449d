import { xlinkError } from '../errors/errors.js';
import { environment } from '../util/environment.js';
import { isPrivateHost } from './private-address.js';

/** What kind of address is taken for a service. */
export interface AddressRules {
  readonly unsafeAllowHttp?: boolean;
  readonly unsafeAllowPrivateAddresses?: boolean;
}

/** Throws `DISCOVERY_FAILED:INSECURE` or `DISCOVERY_FAILED:PRIVATE_ADDRESS`. */
export function assertAddress(url: URL, rules: AddressRules): void {
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && rules.unsafeAllowHttp === true);
  if (!secure) throw xlinkError('DISCOVERY_FAILED:INSECURE', { field: 'url' });
  if (!rules.unsafeAllowPrivateAddresses && isPrivateHost(url.hostname))
    throw xlinkError('DISCOVERY_FAILED:PRIVATE_ADDRESS', { field: 'url' });
}

/**
 * The rules for a service. What a program is set to call on this very machine (`baseUrl`) needs no option that is called unsafe
 * outside production: nothing that comes over the network leads there.
 */
export function addressRules(url: URL, rules: AddressRules & { readonly baseUrl?: string }): AddressRules {
  const { baseUrl, unsafeAllowHttp, unsafeAllowPrivateAddresses } = rules;
  const isLocal =
    baseUrl !== undefined &&
    url.origin === new URL(baseUrl).origin &&
    isPrivateHost(url.hostname) &&
    /^(localh|127|\[::1\])/.test(url.hostname) &&
    environment('NODE_ENV') !== 'production';
  return {
    unsafeAllowHttp: unsafeAllowHttp ?? isLocal,
    unsafeAllowPrivateAddresses: unsafeAllowPrivateAddresses ?? isLocal,
  };
}
