import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { bytesOfFile, createPrivateFile, isSharedFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';

/** The token of the API in `api-token`: 64 hex digits, made once. Throws `KEY_FILE_EXPOSED` if others may read it. */
export async function tokenIn(dataDir: string): Promise<string> {
  const path = join(dataDir, 'api-token');
  const kept = (await bytesOfFile(path)) ?? (await made(path));
  if (!kept)
    throw new X0xError('KEY_FILE_UNREADABLE', {
      field: 'api-token',
      hint: 'Is it a link that leads nowhere? Remove it: a new one is made.',
    });
  if (await isSharedFile(path))
    throw new X0xError('KEY_FILE_EXPOSED', {
      field: 'api-token',
      hint: 'chmod 600 it, or remove it for a new one.',
    });
  const token = new TextDecoder().decode(kept).trim();
  if (token.length < 32)
    throw new X0xError('KEY_FILE_UNREADABLE', { field: 'api-token', hint: 'Remove it: a new one is made.' });
  return token;
}

async function made(path: string): Promise<Uint8Array | undefined> {
  await createPrivateFile(path, randomBytes(32).toString('hex'));
  return bytesOfFile(path);
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a header carries the token. Takes as long for a wrong one as for the right one. */
export function hasToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}
