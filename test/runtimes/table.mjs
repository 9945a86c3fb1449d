// The table of runtimes in README: made of the reports, and compared with them.

export const BEGIN = '<!-- runtimes: made by npm run test:runtimes -- --write -->';
export const END = '<!-- /runtimes -->';
const HEAD = [
  'Runtime',
  'Tested',
  'Ed25519, X25519',
  'AES-GCM, HKDF',
  'ML-KEM-768',
  'ML-DSA-65',
  'Envelopes',
  'Client',
  'API',
  'Limits',
];

/** The cells of a runtime, from what its run reported. */
export function cellsOf({ name, limits }, version, { rows, implementations = {} }) {
  const { ed25519, x25519, aes256gcm, hash, mlKem768, mlDsa65 } = implementations;
  const kindOf = ({ name }) => /^(client|api)\b/.exec(name)?.[0] ?? 'envelopes';
  const verdict = (kind) => {
    const part = rows.filter((row) => kindOf(row) === kind);
    if (part.length === 0) return '–';
    return part.every(({ ok }) => ok) ? 'yes' : 'no';
  };
  return [
    name,
    version,
    both(ed25519, x25519),
    both(aes256gcm, hash),
    mlKem768,
    mlDsa65,
    verdict('envelopes'),
    verdict('client'),
    verdict('api'),
    limits,
  ].map(String);
}

const both = (a, b) => (a === b ? a : `${a}, ${b}`);

/** The page with the rows in place of the old ones. Rows of runtimes that did not run stay as they are. */
export function writeTable(page, order, rows) {
  const known = new Map(readTable(page).map((cells) => [cells[0], cells]));
  for (const cells of rows) known.set(cells[0], cells);
  const lines = [
    HEAD,
    HEAD.map(() => '---'),
    ...order.flatMap((name) => (known.has(name) ? [known.get(name)] : [])),
  ];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const [before, after] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))];
  return `${before}${BEGIN}\n\n${table}\n\n${after}`;
}

function readTable(page) {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`README has no table between ${BEGIN} and ${END}`);
  const lines = page
    .slice(from, to)
    .split('\n')
    .filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) => line.slice(2, -2).split(' | '));
}

/** What the page says otherwise than the runs did. `floats`: runtimes whose version is that of the machine. */
export function differences(page, rows, floats) {
  const claimed = new Map(readTable(page).map((cells) => [cells[0], cells]));
  return rows.flatMap((cells) => {
    const [name, version] = cells;
    const claim = claimed.get(name);
    if (!claim) return [`README does not list ${name}`];
    return HEAD.flatMap((column, i) => {
      if (claim[i] === cells[i] || (column === 'Tested' && floats.has(name))) return [];
      return [`README says of ${name} ${version}: ${column} ${claim[i]}; the run: ${cells[i]}`];
    });
  });
}
