import { expect, test } from '@jest/globals';
import { difference } from './committed-screenshots.js';
import { decodePng, encodePalettePng, type Image, shrink } from './png.js';

/** Lines of something like text, `dx` pixels to the right, with edges as soft as `soft` says. */
function page({ dx = 0, soft = 0, without = -1, button = 0x11 } = {}): Image {
  const [width, height] = [640, 800];
  const rgb = new Uint8Array(width * height * 3).fill(255);
  const paint = (x: number, y: number, value: number) =>
    rgb.fill(value, 3 * (y * width + x), 3 * (y * width + x) + 3);
  for (let line = 0; line < 40; line++) {
    if (line === without) continue;
    for (let y = line * 20 + 4; y < line * 20 + 14; y++)
      for (let x = 20; x < 500 + 3 * line; x++)
        if ((x + line) % 5 < 2) paint(x + dx, y, soft && (x + line) % 5 === 0 ? 70 : 30);
  }
  for (let y = 100; y < 140; y++) for (let x = 520; x < 620; x++) paint(x, y, button);
  return { width, height, rgb };
}

const committed = decodePng(encodePalettePng(shrink(page(), 2)));

test.each([
  ['the same', page(), true],
  ['letters with softer edges', page({ soft: 1 }), true],
  ['letters a pixel further on', page({ dx: 1 }), true],
  ['a line less', page({ without: 17 }), false],
  ['a button in another color', page({ button: 0x90 }), false],
  ['a page that is cut', { ...page(), height: 700, rgb: page().rgb.slice(0, 640 * 700 * 3) }, false],
] as const)('%s', (_, image, isSame) => {
  const found = difference(image, committed);
  expect(found === undefined).toBe(isSame);
});

test('what is written can be read again', () => {
  const image = shrink(page(), 2);
  const { width, height, rgb } = decodePng(encodePalettePng(image));
  expect([width, height]).toEqual([320, 400]);
  expect(rgb.every((value, i) => Math.abs(value - image.rgb[i]!) <= 8)).toBe(true);
});
