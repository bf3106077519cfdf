import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../harness/clients.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';
import { startScimService, type ScimService } from '../harness/scim-service.js';

jest.setTimeout(120_000);

const USER = 'leaver@acme.example';

describe('systems of one’s own', () => {
  let service: ScimService;
  let pipeline: Pipeline;
  let folder: string;
  const at = (name: string): string => path.join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-own-'));
    service = await startScimService(at('service'));
    writeFileSync(at('token'), `${service.token}\n`, { mode: 0o600 });
    const waivers = ['endSessions', 'revokeCredentials'].map(step => ({
      step,
      owner: 'spec',
      reason: 'SCIM has no such thing',
      expiresAt: '2999-01-01T00:00:00Z',
    }));
    const settings = { baseUrl: service.baseUrl, tokenRef: `file:${at('token')}` };
    const wiki = { id: 'wiki', system: 'scim', settings, bindings: [{ tenant: 'acme', waivers }] };
    writeFileSync(at('instances.json'), JSON.stringify({ instances: [wiki] }));
    pipeline = await startPipeline(['--no-sandbox', '--hold', 'none', '--instances', at('instances.json')]);
  });
  afterAll(async () => {
    await pipeline.dispose();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function optOut(user: string): Promise<{ state: string; connectors: { connector: string }[] }> {
    const run = await sever(pipeline, [
      ...['opt-out', '--tenant', 'acme', '--user', user],
      ...['--create', '--wait', '--json'],
    ]);
    expect(run.stderr).toBe('');
    return JSON.parse(run.stdout) as { state: string; connectors: { connector: string }[] };
  }

  it('are registered at the start, and people leave them', async () => {
    const id = await service.addUser(USER);
    const done = await optOut(USER);
    expect(done).toMatchObject({ state: 'closed', connectors: [{ connector: 'wiki', state: 'purged' }] });
    expect((await service.user(id)).status).toBe(404);
  });

  it('stay connected on the next start, also when the file is not named again', async () => {
    await pipeline.stop();
    pipeline = await startPipeline(['--no-sandbox', '--hold', 'none'], { dataDir: pipeline.dataDir });
    const id = await service.addUser('second@acme.example');
    expect((await optOut('second@acme.example')).state).toBe('closed');
    expect((await service.user(id)).status).toBe(404);
  });

  it('end with the pipeline', async () => {
    const pids = pipeline.current().processes.map(p => p.pid);
    expect(pipeline.current().processes.map(p => p.name)).toContain('connector-scim');
    expect(await pipeline.stop()).toBe(0);
    await eventually('the end of every process', () => Promise.resolve(pids.every(pid => !isAlive(pid))));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
