import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** An image of one byte each for red, green and blue, line by line. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Looked up once: in a context of Jest a global is slow to come by, and images have millions of bytes. */
const { abs, ceil, floor, min, round } = Math;

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Of the kinds that Chromium and {@link encodePalettePng} write: 8 bits, not interlaced, gray excluded. */
export function decodePng(file: Uint8Array): Image {
  const bytes = Buffer.from(file);
  if (!bytes.subarray(0, 8).equals(SIGNATURE)) throw new Error('not a PNG');
  const parts: Buffer[] = [];
  let [width, height, type, palette] = [0, 0, 0, Buffer.alloc(0)];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const name = bytes.toString('latin1', at + 4, at + 8);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') [width, height, type] = [data.readUInt32BE(0), data.readUInt32BE(4), data[9]!];
    if (name === 'PLTE') palette = data;
    if (name === 'IDAT') parts.push(data);
    at += 12 + length;
  }
  const channels = { 2: 3, 3: 1, 6: 4 }[type];
  if (!channels) throw new Error(`PNG of color type ${type}`);
  const lines = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 3; c++)
      rgb[3 * i + c] = type === 3 ? palette[3 * lines[i]! + c]! : lines[channels * i + c]!;
  return { width, height, rgb };
}

function unfiltered(data: Uint8Array, lineBytes: number, height: number, step: number): Uint8Array {
  const out = new Uint8Array(lineBytes * height);
  for (let y = 0; y < height; y++) {
    const from = y * (lineBytes + 1) + 1;
    const to = y * lineBytes;
    const filter = data[from - 1]!;
    for (let x = 0; x < lineBytes; x++) {
      const left = x >= step ? out[to + x - step]! : 0;
      const up = y > 0 ? out[to + x - lineBytes]! : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4)
        guess = paeth(left, up, x >= step && y > 0 ? out[to + x - lineBytes - step]! : 0);
      out[to + x] = data[from + x]! + guess;
    }
  }
  return out;
}

function paeth(a: number, b: number, c: number): number {
  const pa = abs(b - c);
  const pb = abs(a - c);
  const pc = abs(a + b - 2 * c);
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** With the `colors` most frequent colors, each other one as the nearest of these: small, and still to be looked at. */
export function encodePalettePng({ width, height, rgb }: Image, colors = 256): Uint8Array {
  const rounded = (i: number) => ((rgb[i]! >> 3) << 10) | ((rgb[i + 1]! >> 3) << 5) | (rgb[i + 2]! >> 3);
  const sums = new Map<number, [count: number, r: number, g: number, b: number]>();
  for (let i = 0; i < rgb.length; i += 3) {
    const key = rounded(i);
    const sum = sums.get(key) ?? [0, 0, 0, 0];
    if (sum[0] === 0) sums.set(key, sum);
    sum[0] += 1;
    for (let c = 0; c < 3; c++) sum[c + 1]! += rgb[i + c]!;
  }
  const mean = ([count, ...sum]: readonly number[]) => sum.map((value) => round(value / count!));
  const palette = [...sums.values()]
    .sort((a, b) => b[0] - a[0])
    .slice(0, colors)
    .map(mean);
  const nearest = new Map([...sums].map(([key, sum]) => [key, nearestOf(palette, mean(sum))]));
  const lines = Buffer.alloc((width + 1) * height);
  for (let i = 0; i < width * height; i++) lines[i + floor(i / width) + 1] = nearest.get(rounded(3 * i))!;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function nearestOf(palette: readonly (readonly number[])[], color: readonly number[]): number {
  const distances = palette.map((one) => one.reduce((sum, value, c) => sum + (value - color[c]!) ** 2, 0));
  return distances.indexOf(min(...distances));
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Means over squares of `step` pixels. */
export function shrink({ width, height, rgb }: Image, step: number): Image {
  const w = ceil(width / step);
  const h = ceil(height / step);
  const sums = new Float64Array(w * h * 3);
  const counts = new Float64Array(w * h);
  for (let y = 0, from = 0; y < height; y++)
    for (let x = 0; x < width; x++, from += 3) {
      const cell = ((y / step) | 0) * w + ((x / step) | 0);
      counts[cell]! += 1;
      sums[3 * cell]! += rgb[from]!;
      sums[3 * cell + 1]! += rgb[from + 1]!;
      sums[3 * cell + 2]! += rgb[from + 2]!;
    }
  const means = new Uint8Array(w * h * 3);
  for (let i = 0; i < means.length; i++) means[i] = round(sums[i]! / counts[(i / 3) | 0]!);
  return { width: w, height: h, rgb: means };
}

/** The upper part. */
export const cut = ({ width, height, rgb }: Image, most: number): Image => ({
  width,
  height: min(height, most),
  rgb: rgb.subarray(0, 3 * width * min(height, most)),
});
