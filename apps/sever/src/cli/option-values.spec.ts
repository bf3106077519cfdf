import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { entraTenant, rateLimit } from './option-values.js';
import { runCli } from './program.js';

describe('wrong values of options', () => {
  let said: string;
  let statusBefore: typeof process.exitCode;
  beforeEach(() => {
    said = '';
    statusBefore = process.exitCode;
    jest.spyOn(process.stderr, 'write').mockImplementation(text => {
      said += String(text);
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    process.exitCode = statusBefore;
  });

  const CREATE = ['create', '--tenant', 'acme', '--dialect', 'strict'];
  it.each<[string[], string, string]>([
    [[...CREATE, '--rate-limit', 'abc'], '--rate-limit', 'or off'],
    [[...CREATE, '--rate-limit', '0'], '--rate-limit', 'or off'],
    [[...CREATE, '--rate-limit', '-1'], '--rate-limit', 'or off'],
    [[...CREATE, '--rate-limit', '1.5'], '--rate-limit', 'or off'],
    [[...CREATE, '--expires', 'banana'], '--expires', '90d'],
    [[...CREATE, '--expires', '0s'], '--expires', '90d'],
    [[...CREATE, '--rebind', 'maybe'], '--rebind', 'externalId, manual or never'],
    [['create', '--tenant', 'acme', '--dialect', 'nope'], '--dialect', 'entra, okta'],
    [['rotate', 'idp', '--overlap', 'xx'], '--overlap', '12h'],
    [['rotate', 'idp', '--expires', 'xx'], '--expires', '90d'],
    [['set', 'idp', '--rebind', 'always'], '--rebind', 'externalId, manual or never'],
    [['trust', 'idp', '--entra-tenant', 'notaguid'], '--entra-tenant', 'GUID'],
  ])('%j are wrong usage, whether anything runs or not', async (args, option, takes) => {
    await runCli(['node', 'sever', 'connection', ...args, '--data', '/nowhere']);
    expect(process.exitCode).toBe(2);
    expect(said).toContain(option);
    expect(said).toContain(takes);
  });

  it('are not found where the values are right', async () => {
    const right = ['--rate-limit', 'off', '--expires', '90d', '--rebind', 'never'];
    await runCli(['node', 'sever', 'connection', ...CREATE, ...right, '--data', '/nowhere']);
    expect([process.exitCode, said]).toEqual([3, expect.stringContaining('not.running')]);
  });
});

describe('right values of options', () => {
  it('are told as the REST door takes them', () => {
    expect([rateLimit('50'), rateLimit('off')]).toEqual([50, 'off']);
    expect(entraTenant('AAAAAAAA-2222-3333-4444-555555555555')).toBe('aaaaaaaa-2222-3333-4444-555555555555');
  });
});
