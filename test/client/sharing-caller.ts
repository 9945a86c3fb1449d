import { type IdentityStore, xlinkFetch } from '@private.me/xlink/client';
import { fileIdentity } from '@private.me/xlink/file';

// A process that calls services under the identity in a file, as it is told; each call is by a client that was just made.

export interface Told {
  readonly path: string;
  readonly urls: readonly string[];
  readonly apiKey: string;
}

process.on('message', async ({ path, urls, apiKey }: Told) => {
  const identity: IdentityStore = fileIdentity(path);
  const options = { apiKey, identity, unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
  const call = async (baseUrl: string) => (await xlinkFetch({ ...options, baseUrl })('/a')).status;
  const results = urls.map((url) => call(url).catch((error) => `${error}`));
  process.send!(await Promise.all(results));
});
