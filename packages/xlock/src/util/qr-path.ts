import encodeQR from 'qr';

/** A QR code as a path of SVG, one unit for each module, without a border. */
export function qrPath(
  text: string,
  ecc: 'low' | 'medium',
): { readonly side: number; readonly path: string } {
  const rows = encodeQR(text, 'raw', { ecc, border: 1 })
    .slice(1, -1)
    .map((row) => row.slice(1, -1));
  const path = rows
    .map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')).join(''))
    .join('');
  return { side: rows.length, path };
}
