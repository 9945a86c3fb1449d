import { isXlinkError } from '../../errors/errors.js';
import type { Clock } from '../../types/protocol.js';
import { ClientDirectory, type NoClientsView } from '../client-directory.js';
import { Confirmations } from './confirmations.js';
import { type Operated, perform } from './perform.js';
import { questionOf } from './question.js';
import { assertAsSeen, WrongState } from './state.js';
import { parseWanted, WrongRequest } from './wanted.js';

/** What is answered to an action, as JSON. */
export interface ActionAnswer {
  readonly status: number;
  readonly body:
    | {
        readonly confirm: string;
        readonly warnings: readonly string[];
        readonly token: string;
        readonly until: number;
      }
    | { readonly done: string }
    | { readonly error: string };
}

export interface ActionParts extends Operated {
  readonly clock: Clock;
  readonly directory: () => Promise<ClientDirectory | NoClientsView>;
}

/**
 * Changes in two steps: what is wanted comes back as a question with a token, and only the same, by the same operator, with this token
 * and while everything is as the operator saw it, is done.
 */
export class Actions {
  readonly #parts: ActionParts;
  readonly #confirmations: Confirmations;

  constructor(parts: ActionParts) {
    this.#parts = parts;
    this.#confirmations = new Confirmations(parts.clock);
  }

  /** Never rejects. `by`: who acts. */
  async answer(by: string, body: unknown): Promise<ActionAnswer> {
    try {
      return { status: 200, body: await this.#act(by, body) };
    } catch (thrown) {
      return refusalOf(thrown);
    }
  }

  async #act(by: string, body: unknown): Promise<ActionAnswer['body']> {
    const { adapter, plan, clock } = this.#parts;
    const { wanted, token } = parseWanted(body, clock());
    const { isModeShared } = adapter;
    const what = JSON.stringify({ ...wanted, isModeShared }); // how far it reaches is a part of the question
    // Before anything else: a token that came once does not come again.
    if (token !== undefined && !this.#confirmations.take(token, by, what))
      throw new WrongState(
        'Nothing was changed: this was confirmed before, too late, or as something else. Start again.',
      );
    const directory = await this.#parts.directory();
    const found =
      wanted.action === 'client-mode' && directory instanceof ClientDirectory
        ? directory.find(wanted.client)
        : undefined;
    if (wanted.action === 'client-mode' && !found)
      throw new WrongState('Nothing was changed: nothing is known about this client.');
    assertAsSeen(adapter, plan, wanted, found?.client);
    if (token !== undefined) return { done: await perform(this.#parts, wanted, by, found?.client) };
    const { text, warnings } = questionOf(wanted, directory, found, isModeShared);
    return { confirm: text, warnings, ...this.#confirmations.ask(by, what) };
  }
}

function refusalOf(thrown: unknown): ActionAnswer {
  if (thrown instanceof WrongRequest) return { status: 400, body: { error: thrown.message } };
  if (thrown instanceof WrongState) return { status: 409, body: { error: thrown.message } };
  if (isXlinkError(thrown))
    return { status: thrown.status < 500 ? 409 : 503, body: { error: thrown.message } };
  return { status: 503, body: { error: 'It could not be done. The log of the server says why.' } };
}
