import { MeshError } from '../errors/mesh-error.js';
import { nearestOf } from '../util/options.js';
import type { SchemaNode } from './schema.js';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The values with durations in ms. Throws `CONFIG_INVALID` with the path of what is wrong; values are not quoted. */
export function validate(value: unknown, node: SchemaNode, path = ''): unknown {
  if (node.type === 'section') return validateSection(value, node.members, path);
  switch (node.type) {
    case 'choice':
      if (node.values.includes(value as string)) return value;
      throw wrong(path, `it must be ${node.values.join(' or ')}.`);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw wrong(path, 'it must be true or false.');
    case 'text':
      if (typeof value === 'string' && value !== '') return value;
      throw wrong(path, 'it must be a text.');
    case 'duration':
      return durationOf(value, node, path);
    default: {
      const { type, min, max } = node;
      const isNumber = type === 'integer' ? Number.isInteger(value) : typeof value === 'number';
      if (isNumber && (value as number) >= min && (value as number) <= max) return value;
      throw wrong(
        path,
        `it must be ${type === 'integer' ? 'a whole number' : 'a number'} from ${min} to ${max}.`,
      );
    }
  }
}

function validateSection(
  value: unknown,
  members: Readonly<Record<string, SchemaNode>>,
  path: string,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(path, `it must be a section with ${Object.keys(members).join(', ')}.`);
  const out: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const node = Object.hasOwn(members, name) ? members[name] : undefined;
    if (!node) {
      const near = nearestOf(name, Object.keys(members));
      const hint = near ? `did you mean ${near}?` : `there are ${Object.keys(members).join(', ')}.`;
      throw wrong(at, `there is no such key; ${hint}`);
    }
    out[name] = validate(member, node, at);
  }
  return out;
}

function durationOf(
  value: unknown,
  { minMs, maxMs, says }: Extract<SchemaNode, { type: 'duration' }>,
  path: string,
): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(typeof value === 'string' ? value : '') ?? [];
  const ms = Number(count) * UNITS[unit as keyof typeof UNITS];
  if (ms >= minMs && ms <= maxMs) return ms;
  throw wrong(path, `it must be a duration such as 90m, 720h or 7d, ${says}.`);
}

const wrong = (path: string, what: string): MeshError =>
  new MeshError('CONFIG_INVALID', { field: path, hint: `${path || 'The file'}: ${what}` });
