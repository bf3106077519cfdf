import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { startScratchPostgres } from './testing/index.js';

describe('an embedded server', () => {
  let server: Awaited<ReturnType<typeof startScratchPostgres>>;
  beforeAll(async () => {
    server = await startScratchPostgres();
  });
  afterAll(() => server.dispose());

  it('answers with the password only', async () => {
    const good = new Client({ connectionString: server.url });
    await good.connect();
    expect((await good.query('show server_version')).rows[0].server_version).toMatch(/^18/);
    await good.end();
    const bad = new Client({ connectionString: server.url.replace(server.password, 'wrong') });
    await expect(bad.connect()).rejects.toMatchObject({ code: '28P01' });
  });

  it('names the pid that does the work', () => {
    expect(() => process.kill(server.pid, 0)).not.toThrow();
  });
});
