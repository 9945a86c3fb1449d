import { xlinkError } from '../errors/errors.js';
import type { FormattedOutput } from '../errors/format-error.js';
import type { SecurityMode, ShareCount } from './security-mode.js';

/** How a message is protected, as data and as text. */
export interface SecurityModeDescription {
  /** As in {@link SecurityMode}. */
  readonly type: SecurityMode['type'];
  /** As in {@link SecurityMode}. */
  readonly level: SecurityMode['level'];
  /** Absent if the message was not split. */
  readonly shares?: ShareCount;
  /** Why the policy chose it; absent if the caller asked for it. */
  readonly reasons?: readonly string[];
  /** The same as text. */
  readonly formats: FormattedOutput;
}

const NAME_OF = {
  standard: 'Standard (one envelope)',
  split: 'Split (threshold sharing)',
  xchange: 'Xchange (key in shares, no key agreement)',
} as const;
const LEVELS = ['standard', 'high', 'critical', 'performance'];

/** Describes how a message is protected, such as the `security` of what `send` returned. Throws `INVALID_OPTION`. */
export function describeSecurityModeStructured(mode: SecurityMode): SecurityModeDescription {
  if (!Object.hasOwn(NAME_OF, mode?.type ?? ''))
    throw xlinkError('INVALID_OPTION', { field: 'type', hint: 'type is standard, split or xchange.' });
  if (!LEVELS.includes(mode.level))
    throw xlinkError('INVALID_OPTION', { field: 'level', hint: `level is one of ${LEVELS.join(', ')}.` });
  const { type, level, shares, reasons } = mode;
  const description = { type, level, ...(shares ? { shares } : {}), ...(reasons ? { reasons } : {}) };
  return { ...description, formats: formatsOf(mode, JSON.stringify(description)) };
}

/**
 * The same in prose.
 * @deprecated Use {@link describeSecurityModeStructured}.
 */
export const describeSecurityMode = (mode: SecurityMode): string =>
  describeSecurityModeStructured(mode).formats.multiline;

function formatsOf({ type, level, shares, reasons }: SecurityMode, json: string): FormattedOutput {
  const configuration = shares && `${shares.threshold}-of-${shares.total}`;
  const why = reasons?.join('; ') || undefined;
  const rows = [
    ['Security Level', `${level[0]!.toUpperCase()}${level.slice(1)}`],
    ['Mode', NAME_OF[type]],
    ['Configuration', configuration],
    ['Because of', why],
  ].filter(([, text]) => text !== undefined);
  return {
    multiline: rows.map(([name, text]) => `${name}: ${text}`).join('\n'),
    singleline: [level, type, configuration, why].filter((text) => text !== undefined).join(' | '),
    json,
    markdown: rows.map(([name, text]) => `**${name}:** ${text}`).join('\n'),
  };
}
