// One envelope of each version is sealed, opened, and refused when it comes again.
module.exports = async function allVersions(
  assert,
  { Agent, LoopbackTransport, MemoryTrustRegistry, isXlinkError },
) {
  const used = new Set();
  for (const maxVersion of [1, 2, 3]) {
    const registry = new MemoryTrustRegistry();
    const transport = new LoopbackTransport();
    const alice = await Agent.quickstart({ registry, transport, maxVersion });
    const bob = await Agent.quickstart({ registry, transport, maxVersion });
    const sent = await alice.send({ to: bob.did, payload: { maxVersion } });
    assert.ok(sent.ok, sent.error?.message);
    used.add(transport.outbox[0].version);
    const received = await bob.receive(transport.outbox[0]);
    assert.ok(received.ok, received.error?.message);
    assert.deepEqual(received.value.payload, { maxVersion });
    const again = await bob.receive(transport.outbox[0]);
    assert.equal(again.ok, false);
    assert.ok(isXlinkError(again.error));
    assert.equal(again.error.id, 'REPLAY_DETECTED');
  }
  assert.deepEqual([...used], [1, 2, 3]);
};
