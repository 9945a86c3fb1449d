// A test of an app, as docs/testing.md has it: in Jest, `expect` is there.
module.exports = async function signedApp({ xlink, testing, express }) {
  const { Agent, DualModeAdapter, requireScope } = xlink;
  const { memoryStores, signedRequest, xlinkMatchers } = testing;
  expect.extend(xlinkMatchers);
  const { registry, nonceStore, clients } = memoryStores();
  const agent = await Agent.quickstart({ registry, nonceStore });
  const adapter = new DualModeAdapter({ agent, mode: 'hybrid', clients, legacyKeyValidator: () => null });
  const app = express();
  app.use(adapter.middleware(), express.json());
  app.post('/orders', requireScope('orders:write'), (req, res) => res.status(201).json(req.body));

  const acme = signedRequest(app).as('acme', { scopes: ['orders:write'] });
  const answer = await acme.post('/orders').send({ item: 7 }).expect(201);
  expect(answer.body).toEqual({ item: 7 });
  const { asStranger } = signedRequest(app);
  const stranger = await asStranger().post('/orders').send({ item: 7 });
  expect(stranger).toBeRefused('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY', 401);
};
