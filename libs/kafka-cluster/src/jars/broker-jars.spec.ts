import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jarFolder } from '../cluster-settings.js';
import { brokerClassPath } from './broker-jars.js';
import { readJarList } from './jar-list.js';
import { downloadJars } from './maven.js';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const LIST = new Map([
  ['a.jar', digest('a')],
  ['b.jar', digest('b')],
]);

describe('the jars of the broker', () => {
  let cache: string;
  let folder: string;
  beforeEach(() => {
    cache = mkdtempSync(path.join(tmpdir(), 'sever-jars-'));
    folder = path.join(cache, 'kafka');
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  const delivering = (files: Record<string, string>) => (target: string) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(target, name), text);
    return Promise.resolve();
  };
  const good = delivering({ 'a.jar': 'a', 'b.jar': 'b', 'stranger.jar': 's' });

  it('are fetched once, and only the recorded ones are on the class path', async () => {
    let downloads = 0;
    const download = (target: string): Promise<void> => {
      downloads += 1;
      return good(target);
    };
    const first = await brokerClassPath({ folder, list: LIST, download });
    expect(await brokerClassPath({ folder, list: LIST, download })).toBe(first);
    expect(downloads).toBe(1);
    expect(first.split(path.delimiter)).toEqual([path.join(folder, 'a.jar'), path.join(folder, 'b.jar')]);
  });

  it('leave nothing behind when a download breaks off half-way', async () => {
    const halfway = async (target: string): Promise<void> => {
      await delivering({ 'a.jar': 'a' })(target);
      throw new Error('connection lost');
    };
    await expect(brokerClassPath({ folder, list: LIST, download: halfway })).rejects.toThrow(
      'connection lost',
    );
    expect(readdirSync(cache)).toEqual([]);
  });

  it('are refused when a download is short or differs', async () => {
    const short = brokerClassPath({ folder, list: LIST, download: delivering({ 'a.jar': 'a' }) });
    await expect(short).rejects.toMatchObject({ code: 'kafka.jar-mismatch' });
    const wrong = brokerClassPath({
      folder,
      list: LIST,
      download: delivering({ 'a.jar': 'a', 'b.jar': 'B' }),
    });
    await expect(wrong).rejects.toThrow(/b\.jar.*differs/);
    expect(existsSync(folder)).toBe(false);
  });

  it('are compared again at every start', async () => {
    await brokerClassPath({ folder, list: LIST, download: good });
    writeFileSync(path.join(folder, 'a.jar'), 'changed');
    await expect(brokerClassPath({ folder, list: LIST, download: good })).rejects.toMatchObject({
      code: 'kafka.jar-mismatch',
    });
  });

  it('may be fetched by two starts at the same time', async () => {
    const paths = await Promise.all(
      [1, 2].map(() => brokerClassPath({ folder, list: LIST, download: good })),
    );
    expect(paths[0]).toBe(paths[1]);
    expect(readdirSync(cache)).toEqual(['kafka']);
  });

  it('name Maven when it is not there', async () => {
    await expect(downloadJars(folder, path.join(cache, 'no-mvn'))).rejects.toMatchObject({
      code: 'kafka.maven-missing',
      message: expect.stringContaining('install Maven'),
    });
  });

  it('are recorded with a checksum each', () => {
    const list = readJarList();
    expect([...list.keys()]).toEqual(
      expect.arrayContaining(['kafka_2.13-4.2.0.jar', 'kafka-clients-4.2.0.jar']),
    );
    for (const [name, sum] of list)
      expect([name, sum]).toEqual([name, expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it('live outside the repository', () => {
    expect(jarFolder({ XDG_CACHE_HOME: '/cache' })).toBe('/cache/sever/kafka-4.2.0');
    expect(jarFolder({ SEVER_KAFKA_JARS: '/jars', XDG_CACHE_HOME: '/cache' })).toBe('/jars');
  });
});
