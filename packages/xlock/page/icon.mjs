// The icon, once as SVG and once as PNG: a lock in two pieces.
import { deflateSync } from 'node:zlib';

const [BLUE, WHITE] = [
  [11, 92, 173],
  [255, 255, 255],
];

/** A square of 100, its corners cut for nobody: systems mask it themselves. */
export const ICON_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<rect width="100" height="100" rx="20" fill="#0b5cad"/>
<path d="M36 46V36a14 14 0 0 1 28 0v10" fill="none" stroke="#fff" stroke-width="7"/>
<path d="M28 46h20v32H28zM52 46h20v32H52z" fill="#fff"/>
</svg>
`;

/** Whether a point of the square is white. */
function isWhite(x, y) {
  const isBody = y >= 46 && y <= 78 && ((x >= 28 && x <= 48) || (x >= 52 && x <= 72));
  const radius = Math.hypot(x - 50, y - 36);
  const isBow = y <= 36 ? Math.abs(radius - 14) <= 3.5 : y <= 46 && Math.abs(Math.abs(x - 50) - 14) <= 3.5;
  return isBody || isBow;
}

/** A PNG of so many pixels each way, without transparency: three bytes a pixel. */
export function iconPng(size) {
  const FINE = 4; // samples a side of each pixel, so that edges are smooth
  const raw = Buffer.alloc(size * (size * 3 + 1));
  for (let y = 0, at = 0; y < size; y++) {
    raw[at++] = 0; // no filter
    for (let x = 0; x < size; x++) {
      let white = 0;
      for (let sample = 0; sample < FINE * FINE; sample++) {
        const [dx, dy] = [(sample % FINE) + 0.5, Math.floor(sample / FINE) + 0.5];
        if (isWhite(((x + dx / FINE) * 100) / size, ((y + dy / FINE) * 100) / size)) white += 1;
      }
      const part = white / (FINE * FINE);
      for (let color = 0; color < 3; color++)
        raw[at++] = Math.round(BLUE[color] * (1 - part) + WHITE[color] * part);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const chunks = [
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(raw, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** CRC-32 of PNG (ISO 3309). */
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
