import encodeQR from 'qr';

/** A code as the terminal shows it: two modules a character, light on dark turned round so that cameras find it. */
export const qrText = (text: string): string => encodeQR(text, 'ascii', { ecc: 'low' }).trimEnd();

/** The same as `data:image/svg+xml,…`. */
export const qrDataUrl = (text: string): string =>
  `data:image/svg+xml,${encodeURIComponent(encodeQR(text, 'svg', { ecc: 'low', optimize: true }))}`;
