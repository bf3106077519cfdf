import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { patchRequestQueue } from './request-queue-patch.js';

const folder = import.meta.dirname;
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts') && !/\.spec\.ts$|^testing/.test(name))
  .map(name => ({ name, text: readFileSync(path.join(folder, name), 'utf8') }));

describe('the use of the client', () => {
  it('is of exactly the version whose source was read: older ones spin when all brokers vanish', () => {
    const manifest = JSON.parse(readFileSync(path.join(folder, '../package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const root = path.join(folder, '../../../node_modules/kafkajs/package.json');
    const { version } = JSON.parse(readFileSync(root, 'utf8')) as { version: string };
    expect([manifest.dependencies['kafkajs'], version]).toEqual(['2.2.4', '2.2.4']);
  });

  it('is refused with another version, whose private classes may differ', () => {
    expect(() => patchRequestQueue('2.3.0')).toThrow(/2\.3\.0/);
    expect(() => patchRequestQueue()).not.toThrow();
  });

  it.each([
    ['transactions: the client does not fence them', /transactionalId|\.transaction\(|sendOffsets/],
    ['the idempotent producer: it loses records when an acknowledgement is lost', /idempotent: true/],
    ['automatic commits', /autoCommit: true/],
    ['a start at the end: a lost position would skip', /fromBeginning: false/],
    ['commits that the client tries again, by then in another generation', /consumer\??\.commitOffsets\(/],
  ])('has no %s', (_what, pattern) => {
    expect(sources.filter(s => pattern.test(s.text)).map(s => s.name)).toEqual([]);
  });
});
