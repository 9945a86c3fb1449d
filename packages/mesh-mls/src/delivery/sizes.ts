import { GroupError } from '../errors.js';
import { LIMITS } from './wire.js';

/** What a commit brings to the server. */
export interface CommitParts {
  readonly commit?: Uint8Array;
  readonly welcome?: Uint8Array | undefined;
  readonly groupInfo?: Uint8Array | undefined;
}

const RULES = {
  commit: { most: LIMITS.commitBytes, help: 'Add or remove fewer members at once.' },
  welcome: {
    most: LIMITS.welcomeBytes,
    help: 'Add fewer members at once; with X-Wing each takes four times as much.',
  },
  groupInfo: {
    most: LIMITS.welcomeBytes,
    help: 'A group as large as that has to be one without `externalJoin`.',
  },
} as const;

/** Throws `TOO_LARGE`, with what is too large and the limit, before anything is written or sent: the server would refuse it for ever. */
export function assertSizes(parts: CommitParts): void {
  for (const field of ['commit', 'welcome', 'groupInfo'] as const) {
    const { most, help } = RULES[field];
    const size = parts[field]?.length ?? 0;
    if (size > most)
      throw new GroupError('TOO_LARGE', {
        field,
        hint: `The ${field} has ${size} bytes, and a delivery service takes at most ${most}. ${help}`,
      });
  }
}
