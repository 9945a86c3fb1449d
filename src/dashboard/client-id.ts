import { defaultProvider } from '#provider';
import type { ClientId } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Longer ids make an address that nobody can send on. */
const MAX_PLAIN_CHARACTERS = 200;

/** What names a client in an address: its id if that fits, else `sha256:` and a hash of it. */
export async function addressedId(client: ClientId): Promise<string> {
  if (isPlain(client)) return client;
  const hash = await defaultProvider().sha256(encodeUtf8(client));
  return `sha256:${encodeBase64url(hash)}`;
}

/** An id that holds half a character would come back from an address as another one. */
const isPlain = (client: ClientId): boolean =>
  client !== '' && client.length <= MAX_PLAIN_CHARACTERS && !/\p{Cs}/u.test(client);
