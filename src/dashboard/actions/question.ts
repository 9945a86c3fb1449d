import type { ClientReport } from '../../adapters/clients/cutover-report.js';
import { ClientDirectory, type NoClientsView } from '../client-directory.js';
import { readable } from '../readable.js';
import { ALL_CLIENTS } from '../view-query.js';
import type { Wanted } from './wanted.js';

/** What the operator is asked before anything is done: what it means, and whom it hurts. */
export interface Question {
  readonly text: string;
  /** What speaks against it. */
  readonly warnings: readonly string[];
}

const MAX_NAMES = 5;

/** What a {@link SharedMode} does not share. */
const NOT_SHARED = { 'client-mode': 'clientModes', brownout: 'brownouts' } as const;

/** In sentences. `isModeShared`: only the mode of everything is then the same on all instances. */
export function questionOf(
  wanted: Wanted,
  directory: ClientDirectory | NoClientsView,
  client: ClientReport | undefined,
  isModeShared: boolean,
): Question {
  const { text, warnings } = questionFor(wanted, directory, client);
  if (!isModeShared || wanted.action === 'step') return { text, warnings };
  const option = NOT_SHARED[wanted.action];
  const reach = `This counts on this instance only, and until it ends: other instances do not follow, and a restart forgets it. To keep it, put it into the option ${option} of every instance.`;
  return { text, warnings: [...warnings, reach] };
}

function questionFor(
  wanted: Wanted,
  directory: ClientDirectory | NoClientsView,
  client: ClientReport | undefined,
): Question {
  switch (wanted.action) {
    case 'step':
      return {
        text: `Change the mode of the API from ${wanted.seen} to ${wanted.to}.`,
        warnings: wanted.to === 'xlink-only' ? hurt(directory, 'Their keys are refused from then on') : [],
      };
    case 'brownout': {
      const time = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
      const isIdle = wanted.seen !== 'deprecation';
      return {
        text: `Refuse all API keys from ${time(wanted.from)} until ${time(wanted.until)}. Callers with a key are told beforehand.`,
        warnings: [
          ...(isIdle
            ? [`The mode is ${wanted.seen}. A brownout refuses keys only while it is deprecation.`]
            : []),
          ...hurt(directory, 'Their keys are refused in that time'),
        ],
      };
    }
    case 'client-mode': {
      const name = readable(client!.client, 80);
      if (wanted.to === 'follow')
        return { text: `Let ${name} follow the mode of the API again.`, warnings: [] };
      const isHurt = wanted.to === 'xlink-only' && !client!.safeToSwitch;
      return {
        text: `Change the mode of ${name} from ${wanted.seen} to ${wanted.to}, for this client only.`,
        warnings: isHurt ? [`${name} ${client!.reason}. Its key is refused from then on.`] : [],
      };
    }
  }
}

function hurt(directory: ClientDirectory | NoClientsView, what: string): string[] {
  if (!(directory instanceof ClientDirectory)) return ['Nothing is known about the clients now.'];
  const left = directory.matching({ ...ALL_CLIENTS, state: 'not-ready' });
  if (left.length === 0) return [];
  const names = left.slice(0, MAX_NAMES).map(({ client }) => readable(client, 80));
  const more = left.length > MAX_NAMES ? ` and ${left.length - MAX_NAMES} more` : '';
  const are = left.length === 1 ? '1 client is' : `${left.length} clients are`;
  return [`${are} not ready: ${names.join(', ')}${more}. ${what}.`];
}
