import type { NonceUse } from '../types/ports.js';

/** Recipient, sender and nonce as one string. None of the three can contain a space. */
export const nonceKey = ({ recipient, sender, nonce }: NonceUse): string => `${recipient} ${sender} ${nonce}`;
