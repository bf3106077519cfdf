import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readEmbedded } from './compose-file.js';
import { ComposedStack } from './composed-stack.js';

jest.setTimeout(180_000);

/** The services of compose.yaml as processes of this machine: commands and environment are those of the file. */
describe('the processes of deploy/compose.yaml with compose.embedded.yaml', () => {
  const compose = readEmbedded({ SEVER_HOLD: 'none' });
  const APPS = ['connector-postgres', 'connector-scim', 'coordinator', 'projector', 'scim-ingress'];
  let stack: ComposedStack;

  beforeAll(async () => {
    stack = await ComposedStack.prepare();
  });
  afterAll(() => stack.dispose());

  it('start after the set-up, each healthy as its image checks it', async () => {
    const first = stack.setUp(compose);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain('instance postgres (postgres) for acme');
    expect(await stack.startApps(compose)).toEqual(APPS);
  });

  it('carry an opt-out to every target until it is closed', async () => {
    expect(await stack.optOut('leaver@acme.example')).toEqual({
      connectors: [
        expect.objectContaining({ connector: 'postgres', state: 'purged' }),
        expect.objectContaining({ connector: 'scim', state: 'purged' }),
      ],
      scimStatus: 404,
      roles: 0,
    });
  });

  it('go on while the set-up runs again beside them', async () => {
    expect(stack.setUp(compose)).toMatchObject({ status: 0, stderr: '' });
    expect((await stack.optOut('second@acme.example')).scimStatus).toBe(404);
  });

  it('answer Prometheus, and say nothing of a secret in their logs', async () => {
    const names = ['api-token', 'target-scim-token', 'target-postgres-password', 'database-password'];
    const secrets = names.map(name => stack.secret(name));
    for (const [name, { url, log }] of stack.running) {
      const metrics = await fetch(`${url}/metrics`);
      expect([name, metrics.status, (await metrics.text()).includes('process_cpu')]).toEqual([
        name,
        200,
        true,
      ]);
      for (const secret of secrets) expect([name, log().includes(secret)]).toEqual([name, false]);
    }
  });

  it('drain and end when their container is stopped', async () => {
    expect(await stack.stopApps()).toEqual(Object.fromEntries(APPS.map(name => [name, 0])));
  });
});
