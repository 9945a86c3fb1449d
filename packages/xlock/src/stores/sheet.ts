import decodeQR from 'qr/decode.js';
import { XlockError } from '../errors.js';
import { decodeShare } from '../passkey/share-format.js';
import { fromBase64url, sha256, toBase64url } from '../util/bytes.js';
import { qrPath } from '../util/qr-path.js';

/** A picture of a sheet: 3 or 4 bytes for each pixel (RGB or RGBA), row by row. */
export interface SheetImage {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** `width * height * 3` or `* 4` bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

const PREFIX = 'xlock-share:1:';
/** Side of the code on the sheet, and the white around it, in mm. */
const SIDE = 120;
const MARGIN = 15;

/**
 * A sheet of A6 and a bit to print: the share as a QR code (level M, so that 15 % may be unreadable), and as text below to find it again: service, account,
 * when the passkey was split like this, and a short number of that splitting. SVG, 150 mm x 180 mm.
 */
export function shareSheet(name: string, bytes: Uint8Array, title = 'xLock share'): string {
  const check = toBase64url(sha256(bytes)).slice(0, 8);
  const { side, path } = qrPath(`${PREFIX}${name}:${check}:${toBase64url(bytes)}`, 'medium');
  const unit = SIDE / side;
  const line = (y: number, size: number, text: string) =>
    `<text x="${MARGIN}" y="${y}" font-family="monospace" font-size="${size}">${escaped(text)}</text>`;
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" width="150mm" height="180mm" viewBox="0 0 150 180">',
    '<rect width="150" height="180" fill="#fff"/>',
    line(9, 5, title),
    `<path transform="translate(${MARGIN} ${MARGIN}) scale(${unit})" shape-rendering="crispEdges" d="${path}"/>`,
    ...factsOf(bytes).map((text, at) => line(142 + 4.5 * at, 4, shortened(text))),
    line(160, 3.4, `${name}  check ${check}`),
    line(166, 3.4, 'One of several shares: worth nothing alone, and a part of the key'),
    line(170.5, 3.4, 'with others. Keep it where the others are not. Destroy it once'),
    line(175, 3.4, 'a newer sheet of this service and account is printed.'),
    '</svg>',
  ].join('\n');
}

/** What tells a sheet from others; nothing for what is no share. */
function factsOf(bytes: Uint8Array): string[] {
  const share = decodeShare(bytes);
  if (!share) return [];
  const { meta, generation, share: part } = share;
  const time = new Date(generation).toISOString().slice(0, 19).replace('T', ' ');
  return [
    meta.service,
    meta.userId === '' ? 'the only account' : `account ${meta.userId}`,
    `split ${time} UTC, no. ${part.groupId.slice(0, 4)}`,
    `share ${part.index + 1} of ${part.totalShares}; ${part.threshold} make the key`,
  ];
}

/** The width of the code holds some 50 characters; the beginning and the end of longer texts. */
const shortened = (text: string): string =>
  text.length <= 50 ? text : `${text.slice(0, 30)}…${text.slice(-19)}`;

/** The share on a picture of a sheet, or in the text that another reader of QR codes found on it. Throws `SHARE_UNREADABLE`. */
export function readSheet(sheet: SheetImage | string): { readonly name: string; readonly bytes: Uint8Array } {
  let text: string;
  try {
    text = typeof sheet === 'string' ? sheet.trim() : decodeQR(sheet as never);
  } catch (cause) {
    throw unreadable('No QR code was found on the picture: take it from above, with more light.', cause);
  }
  const [, name, check, data] = /^xlock-share:1:([a-z0-9-]{1,64}):([\w-]{8}):([\w-]+)$/.exec(text) ?? [];
  const bytes = fromBase64url(data);
  if (!name || !bytes || toBase64url(sha256(bytes)).slice(0, 8) !== check)
    throw unreadable('The code is no share of xLock.');
  return { name, bytes };
}

const unreadable = (resolution: string, cause?: unknown) =>
  new XlockError('SHARE_UNREADABLE', { resolution, ...(cause === undefined ? {} : { cause }) });

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\p{Cc}/gu, ' ');
