import { xlinkError } from '../errors/errors.js';
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
