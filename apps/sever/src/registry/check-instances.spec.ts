import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SeverError } from '../sever-error.js';
import { checkInstances, type CheckOptions } from './check-instances.js';
import { readInstancesFile } from './instances-file.js';

const SETTINGS = { baseUrl: 'https://wiki.acme.example/scim/v2', tokenRef: 'file:/run/secrets/token' };
const scim = (over: object = {}) => ({ id: 'wiki', system: 'scim', settings: SETTINGS, ...over });

describe('an instances file', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-instances-'));
  const file = path.join(folder, 'instances.json');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function check(content: unknown, o: CheckOptions = {}): Promise<SeverError | undefined> {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    try {
      await checkInstances(readInstancesFile(file), o);
      return undefined;
    } catch (error) {
      return error as SeverError;
    }
  }

  it('may say as little as what the connector needs', async () => {
    expect(await check({ instances: [scim()] })).toBeUndefined();
    expect(readInstancesFile(file).instances[0]?.bindings).toEqual([]);
    expect(await check({ instances: [scim({ bindings: [{ tenant: 'acme' }] })] })).toBeUndefined();
    expect(readInstancesFile(file).instances[0]?.bindings).toEqual([
      { tenant: 'acme', match: { by: 'userName' }, waivers: [] },
    ]);
  });

  it.each([
    ['not JSON', '{', 'instances.unreadable', /is not JSON/],
    ['an unknown member', { instances: [scim({ sytem: 'x' })] }, 'instances.invalid', /sytem/],
    [
      'an id that is no role name',
      { instances: [scim({ id: 'Wiki' })] },
      'instances.invalid',
      /instances\.0\.id/,
    ],
    [
      'a system nobody serves',
      { instances: [scim({ system: 'fax' })] },
      'instances.invalid',
      /no connector for fax; there are postgres, scim/,
    ],
    ['one id twice', { instances: [scim(), scim()] }, 'instances.invalid', /wiki: this id is used already/],
    [
      'one tenant twice',
      { instances: [scim({ bindings: [{ tenant: 'a' }, { tenant: 'a' }] })] },
      'instances.invalid',
      /tenant a is bound twice/,
    ],
    [
      'settings that the connector refuses',
      { instances: [scim({ settings: { ...SETTINGS, baseUrl: 'wiki' } })] },
      'instances.invalid',
      /wiki: settings\.baseUrl/,
    ],
    [
      'a relative reference',
      { instances: [scim({ settings: { ...SETTINGS, tokenRef: 'file:token' } })] },
      'instances.invalid',
      /file:token must be an absolute path/,
    ],
    [
      'a waiver of something that works',
      {
        instances: [
          scim({
            bindings: [
              {
                tenant: 'a',
                waivers: [{ step: 'suspend', owner: 'o', reason: 'r', expiresAt: '2999-01-01T00:00:00Z' }],
              },
            ],
          }),
        ],
      },
      'instances.invalid',
      /waiver of suspend for a is needless/,
    ],
    [
      'a waiver for ever',
      {
        instances: [
          scim({ bindings: [{ tenant: 'a', waivers: [{ step: 'endSessions', owner: 'o', reason: 'r' }] }] }),
        ],
      },
      'instances.invalid',
      /waivers\.0\.expiresAt/,
    ],
  ])('is refused with %s', async (_what, content, code, message) => {
    const error = await check(content);
    expect(error).toMatchObject({ code, exit: 2 });
    expect(error?.message).toMatch(message);
  });

  it('names all problems at once', async () => {
    const error = await check({ instances: [scim({ system: 'fax' }), scim({ id: 'b', settings: {} })] });
    expect(
      error?.message
        .split('\n')
        .slice(1)
        .map(line => line.trim().split(':')[0]),
    ).toEqual(['wiki', 'b', 'b']);
  });

  it('may refer to variables and to files of other machines, but not where the connectors run here', async () => {
    const other = { instances: [scim({ settings: { ...SETTINGS, tokenRef: 'env:WIKI_TOKEN' } })] };
    expect(await check(other)).toBeUndefined();
    expect((await check(other, { here: true }))?.message).toMatch(/env:WIKI_TOKEN cannot be used/);
    const gone = { instances: [scim({ settings: { ...SETTINGS, tokenRef: `file:${folder}/gone` } })] };
    expect(await check(gone)).toBeUndefined();
    expect((await check(gone, { here: true }))?.message).toMatch(/gone is not there/);
    const here = { instances: [scim({ settings: { ...SETTINGS, tokenRef: `file:${file}` } })] };
    expect(await check(here, { here: true })).toBeUndefined();
  });

  it('is refused with an id that is taken', async () => {
    expect((await check({ instances: [scim()] }, { reserved: ['wiki'] }))?.message).toMatch(/used already/);
  });
});
