import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config-error.js';
import { loadConfig } from './load-config.js';
import { port, postgresUrl } from './schemas.js';
import { setting } from './setting.js';

const settings = {
  url: setting('DATABASE_URL', 'the database', postgresUrl, { secret: true }),
  port: setting('PORT', 'port', port.default(7_070)),
  ca: setting('CA_FILE', 'certificate', z.string().optional()),
  token: setting('TOKEN', 'a token', z.string().min(8).optional(), { secret: true }),
};
const URL = 'postgres://a:s3cret-value@h/d';

describe('the configuration', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-config-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, content: string): string => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };
  const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
    try {
      loadConfig(settings, env);
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
    }
    throw new Error('the configuration was taken');
  };

  it('takes variables, and defaults for those that are empty', () => {
    expect(loadConfig(settings, { DATABASE_URL: URL, PORT: '' })).toEqual({
      url: URL,
      port: 7_070,
      ca: undefined,
      token: undefined,
    });
  });

  it.each([
    ['without a line end', URL],
    ['with one', `${URL}\n`],
    ['with one of Windows', `${URL}\r\n`],
  ])('takes a secret from the file that NAME_FILE names, %s', (_what, content) => {
    expect(loadConfig(settings, { DATABASE_URL_FILE: file('url', content) }).url).toBe(URL);
  });

  it('keeps spaces that belong to a secret', () => {
    const env = { DATABASE_URL: URL, TOKEN_FILE: file('token', ' a token \n') };
    expect(loadConfig(settings, env).token).toBe(' a token ');
  });

  it('takes an empty NAME_FILE, and an empty file, as not set', () => {
    expect(loadConfig(settings, { DATABASE_URL: URL, TOKEN_FILE: '' }).token).toBeUndefined();
    expect(
      loadConfig(settings, { DATABASE_URL: URL, TOKEN_FILE: file('empty', '\n') }).token,
    ).toBeUndefined();
  });

  it('does not open files for settings that are no secrets, and keeps a setting whose own name ends in _FILE', () => {
    const env = { DATABASE_URL: URL, PORT_FILE: '/nowhere', CA_FILE: '/some/ca.pem' };
    expect(loadConfig(settings, env)).toMatchObject({ port: 7_070, ca: '/some/ca.pem' });
  });

  it('refuses a secret that is given twice', () => {
    const env = { DATABASE_URL: URL, DATABASE_URL_FILE: file('url', URL) };
    expect(problemsOf(env)).toEqual([expect.stringMatching(/^DATABASE_URL .*DATABASE_URL_FILE; keep one/)]);
  });

  it('names the file that cannot be read', () => {
    const missing = path.join(folder, 'missing');
    expect(problemsOf({ DATABASE_URL_FILE: missing })).toEqual([
      expect.stringContaining(`DATABASE_URL_FILE names ${missing}, which cannot be read (ENOENT)`),
    ]);
  });

  it('names everything that is wrong, never a value', () => {
    const problems = problemsOf({ TOKEN_FILE: file('short', 's3cret'), PORT: 'port-s3cret' });
    expect(problems.map(p => p.split(' ')[0])).toEqual(['DATABASE_URL', 'PORT', 'TOKEN']);
    expect(problems[0]).toContain('is not set, nor is DATABASE_URL_FILE');
    expect(problems.join()).not.toContain('s3cret');
  });
});
