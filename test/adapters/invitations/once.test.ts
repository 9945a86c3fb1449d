import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { Invitations } from '../../../src/adapters/invitations/invitations.js';
import { xlinkError } from '../../../src/errors/service-errors.js';
import type { ErrorId } from '../../../src/errors/table.js';
import type { Did } from '../../../src/types/protocol.js';
import { thrownBy } from '../../support/results.js';

class Store extends MemoryOperationsStore {
  isDown = false;
  override save(...args: Parameters<MemoryOperationsStore['save']>): boolean {
    if (this.isDown) throw new Error('down');
    return super.save(...args);
  }
}

const [A, B] = ['did:key:zA' as Did, 'did:key:zB' as Did];
const refusing = (id: ErrorId) => async () => {
  throw xlinkError(id);
};
const notLinked = () => false;
const refusalOf = async (call: Promise<unknown>) => (await thrownBy(() => call)).id;
const done = async () => 'done';

async function made() {
  const store = new Store();
  const invitations = new Invitations({
    store,
    clock: Date.now,
    service: async () => 'did:key:zS' as Did,
  });
  const { invitation } = await invitations.invite({ client: 'newco', scopes: [] });
  const invited = await invitations.look(invitation);
  const once = (did: Did, work: () => Promise<string>, isLinked: () => boolean = notLinked) =>
    invitations.once(invited, did, { work, isLinked, undo: async () => undone.push(did) });
  const undone: Did[] = [];
  const state = async () => (await invitations.list())[0]!;
  const revoke = () => invitations.revoke(invited.number);
  return { once, state, revoke, undone, store };
}

describe('an invitation is used once', () => {
  test('a refused call does not free what another call of the same identity holds', async () => {
    const { once, state } = await made();
    let finish: (text: string) => void = () => {};
    const good = once(A, () => new Promise((resolve) => (finish = resolve)));
    expect(await refusalOf(once(A, refusing('KEY_RECORD_ROLLED_BACK')))).toBe('KEY_RECORD_ROLLED_BACK');
    expect(await refusalOf(once(B, done))).toBe('INVITATION_REFUSED:USED');
    finish('done');
    expect(await good).toBe('done');
    expect(await state()).toMatchObject({ state: 'used', did: A });
  });

  test('refused, and nothing of it there: the next one may', async () => {
    const { once, state } = await made();
    for (let i = 0; i < 3; i++) await refusalOf(once(A, refusing('KEY_RECORD_ROLLED_BACK')));
    expect(await once(B, done)).toBe('done');
    expect(await state()).toMatchObject({ state: 'used', did: B });
  });

  test.each<[string, ErrorId, () => boolean]>([
    ['what may have happened all the same', 'LOOKUP_FAILED', notLinked],
    ['a link that is there', 'CLIENT_REVOKED', () => true],
  ])('%s keeps it for the same identity', async (_, id, isLinked) => {
    const { once } = await made();
    expect(await refusalOf(once(A, refusing(id), isLinked))).toBe(id);
    expect(await refusalOf(once(B, done))).toBe('INVITATION_REFUSED:USED');
    expect(await once(A, done)).toBe('done');
  });

  test('taken back meanwhile, what was enrolled is ended', async () => {
    const { once, revoke, state, undone } = await made();
    const work = async () => (await revoke()).state;
    expect(await refusalOf(once(A, work))).toBe('INVITATION_REFUSED:REVOKED');
    expect(undone).toEqual([A]);
    expect(await state()).toMatchObject({ state: 'revoked' });
  });

  test('whose end cannot be written stays with who has it, and the same identity ends it', async () => {
    const { once, store } = await made();
    const failing = once(A, async () => {
      store.isDown = true;
      return 'done';
    });
    expect(await refusalOf(failing)).toBe('OPERATIONS_STORE_UNAVAILABLE');
    store.isDown = false;
    expect(await refusalOf(once(B, done))).toBe('INVITATION_REFUSED:USED');
    expect(await once(A, done)).toBe('done');
  });
});
