import type { ActionAnswer } from '../actions/actions.js';
import type { Wanted } from '../actions/wanted.js';
import { announce } from './announce.js';
import { byId, el, setText } from './dom.js';
import { addressOf } from './live.js';

type Unreasoned<Of = Wanted> = Of extends Wanted ? Omit<Of, 'reason'> : never;

/** Something that could be done. */
export interface Draft {
  readonly title: string;
  readonly fields: readonly (readonly [label: string, control: HTMLElement])[];
  /** What is wanted, as the fields are now. */
  readonly wanted: () => Unreasoned;
}

const dialog = byId<HTMLDialogElement>('action');
const form = byId<HTMLFormElement>('action-form');
const reason = byId<HTMLInputElement>('action-reason');
const go = byId<HTMLButtonElement>('action-go');

let draft: Draft | undefined;
/** What the server asked back about, and with which token it is confirmed. */
let question: { readonly body: Wanted; readonly token: string } | undefined;
let done = (): void => {};

/** Called once something was changed. */
export function onDone(listener: () => void): void {
  done = listener;
}

/** First what and why; then the server says what that means; only then it is done. */
export function ask(wanted: Draft, operator: string): void {
  draft = wanted;
  question = undefined;
  setText(byId('action-title'), wanted.title);
  setText(byId('action-text'), `You act as ${operator}.`);
  byId('action-fields').replaceChildren(
    ...wanted.fields.map(([label, control]) => el('label', { for: control.id }, label, control)),
  );
  reason.value = '';
  showState([], '');
  dialog.showModal();
}

function showState(warnings: readonly string[], error: string): void {
  const isAsked = question !== undefined;
  for (const id of ['action-fields', 'action-reason-box']) byId(id).hidden = isAsked;
  byId('action-warnings').replaceChildren(...warnings.map((text) => el('li', {}, text)));
  setText(byId('action-error'), error);
  setText(go, isAsked ? 'Confirm' : 'Continue');
  go.dataset['final'] = String(isAsked);
  go.disabled = false;
}

byId('action-cancel').addEventListener('click', () => dialog.close());
form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!draft || go.disabled) return;
  go.disabled = true;
  const body = question?.body ?? ({ ...draft.wanted(), reason: reason.value } as Wanted);
  void send(question ? { ...body, token: question.token } : body).then((answer) => take(answer, body));
});

function take(answer: ActionAnswer['body'], body: Wanted): void {
  if ('confirm' in answer) {
    question = { body, token: answer.token };
    setText(byId('action-text'), `${answer.confirm} Reason: ${body.reason}`);
    showState(answer.warnings, '');
    return;
  }
  question = undefined;
  if ('error' in answer) {
    showState([], answer.error);
    return;
  }
  dialog.close();
  announce(answer.done, true);
  done();
}

async function send(body: object): Promise<ActionAnswer['body']> {
  try {
    const response = await fetch(addressOf(''), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
    });
    if (response.headers.get('Content-Type')?.startsWith('application/json')) return await response.json();
    return { error: `The server answered ${response.status}. Nothing was changed.` };
  } catch {
    return { error: 'The server could not be reached. Look again whether something was changed.' };
  }
}
