import { base64 } from '@scure/base';

/** base64 with padding (RFC 4648, section 4), as signed notes have it. */
export const encodeBase64 = (bytes: Uint8Array): string => base64.encode(bytes);

/** `undefined` for anything but the one spelling of some bytes. */
export function decodeBase64(text: string): Uint8Array | undefined {
  try {
    const bytes = base64.decode(text);
    return base64.encode(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
