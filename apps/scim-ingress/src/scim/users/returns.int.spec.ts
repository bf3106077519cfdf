import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Provider } from '../../testing/provider.js';
import { startIngress, type RunningIngress } from '../../testing/running-ingress.js';

/** Nobody whom all providers call active is kept out, or deleted at the end of the hold. */
describe('somebody whom two connections know', () => {
  let ingress: RunningIngress;
  beforeAll(async () => {
    ingress = await startIngress();
  });
  afterAll(() => ingress?.close());

  const types = async (provider: Provider): Promise<string[]> =>
    (await provider.told()).map(({ type }) => type.split('.').slice(1, 3).join('.'));
  const named = (): string => `${randomUUID().slice(0, 8)}@a.example`;
  const isOptedOut = async (userName: string): Promise<unknown> => {
    const query = new URLSearchParams({ tenant: 'acme', userName });
    const { json } = await ingress.ask('GET', `/v1/subjects/opted-out?${query}`, { token: ingress.apiToken });
    return json.optedOut;
  };
  const retire = async ({ id }: Provider): Promise<void> => {
    const done = await ingress.operate('POST', `/${id}/retire`, { reason: 'moved', people: 'keep' });
    expect(done.status).toBe(200);
  };

  it('comes back when the one that deleted them brings them again', async () => {
    const [jumpcloud, entra] = [await Provider.connected(ingress), await Provider.connected(ingress)];
    const userName = named();
    const id = await jumpcloud.created(userName, 'e1');
    await entra.created(userName);
    await jumpcloud.remove(id);
    expect(await isOptedOut(userName)).toBe(true);
    await jumpcloud.created(userName, 'e1');
    expect(await types(jumpcloud)).toEqual([
      'subject.registered',
      'optout.requested',
      'optout.restore-requested',
    ]);
    expect(await isOptedOut(userName)).toBe(true);
  });

  it('stays out when the other one asked too, and the log says so', async () => {
    const [jumpcloud, entra] = [await Provider.connected(ingress), await Provider.connected(ingress)];
    const userName = named();
    const id = await jumpcloud.created(userName);
    await entra.setActive(await entra.created(userName), false);
    await jumpcloud.remove(id);
    await jumpcloud.created(userName);
    expect((await types(jumpcloud)).at(-1)).toBe('optout.restore-refused');
    expect(await isOptedOut(userName)).toBe(true);
  });

  it('stays out when a connection that never asked brings them', async () => {
    const [okta, entra] = [await Provider.connected(ingress), await Provider.connected(ingress)];
    const userName = named();
    await okta.leaver(userName);
    await entra.created(userName);
    expect(await types(entra)).toEqual(['subject.linked']);
    expect(await isOptedOut(userName)).toBe(true);
  });

  it('comes back by the word of all who can still take theirs back: a retired connection cannot', async () => {
    const [okta, entra] = [await Provider.connected(ingress), await Provider.connected(ingress)];
    const userName = named();
    await okta.leaver(userName);
    await retire(okta);
    const id = await entra.created(userName);
    await entra.setActive(id, false);
    await entra.setActive(id, true);
    expect(await types(entra)).toEqual(['subject.linked', 'optout.repeated', 'optout.restore-requested']);
  });

  it('is not brought back by a connection that never asked, though the one that did is retired', async () => {
    const [okta, entra] = [await Provider.connected(ingress), await Provider.connected(ingress)];
    const userName = named();
    const id = await entra.created(userName, undefined, { active: false });
    await okta.leaver(userName);
    await retire(okta);
    await entra.setActive(id, true);
    expect((await types(entra)).at(-1)).toBe('optout.restore-refused');
    expect(await isOptedOut(userName)).toBe(true);
  });
});
