import { afterAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const configFile = path.join(root, 'dependency-cruiser.cjs');
const config = createRequire(import.meta.url)(configFile) as { forbidden: { name: string }[] };

type Planted = { rule: string; files: Record<string, string> };

/** `from` imports `to`, both exist. */
const importing = (rule: string, from: string, to: string): Planted => ({
  rule,
  files: {
    [from]: `import { value } from '${relative(from, to)}';\nexport const mine = value;\n`,
    [to]: 'export const value = 1;\n',
  },
});

function relative(from: string, to: string): string {
  const link = path.relative(path.dirname(from), to).replace(/\.ts$/, '.js');
  return link.startsWith('.') ? link : `./${link}`;
}

const npmPackage = (rule: string, from: string, name: string): Planted => ({
  rule,
  files: {
    [from]: `import { value } from '${name}';\nexport const mine = value;\n`,
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
    [`node_modules/${name}/index.js`]: 'exports.value = 1;\n',
  },
});

const PLANTED: Planted[] = [
  {
    rule: 'no-circular',
    files: {
      'libs/config/src/a.ts': `import { b } from './b.js';\nexport const a = () => b;\n`,
      'libs/config/src/b.ts': `import { a } from './a.js';\nexport const b = () => a;\n`,
    },
  },
  importing(
    'no-upward-import-from-runtime',
    'libs/connector-runtime/src/x.ts',
    'apps/coordinator/src/index.ts',
  ),
  importing(
    'no-upward-import-from-wiring',
    'libs/event-log-transport/src/x.ts',
    'libs/connector-runtime/src/index.ts',
  ),
  importing(
    'no-upward-import-from-projection',
    'libs/projection/src/x.ts',
    'libs/event-log-transport/src/index.ts',
  ),
  importing(
    'no-upward-import-from-adapter',
    'libs/postgres/src/x.ts',
    'libs/event-log-transport/src/index.ts',
  ),
  importing('no-upward-import-from-port', 'libs/event-log/src/x.ts', 'libs/event-log-postgres/src/index.ts'),
  importing('no-upward-import-from-contract', 'libs/opt-out/src/x.ts', 'libs/event-log/src/index.ts'),
  importing('no-upward-import-from-base', 'libs/config/src/x.ts', 'libs/event-contracts/src/index.ts'),
  importing('apps-do-not-import-apps', 'apps/coordinator/src/x.ts', 'apps/projector/src/index.ts'),
  importing(
    'adapter-alone-event-log-postgres',
    'libs/event-log-postgres/src/x.ts',
    'libs/read-models/src/index.ts',
  ),
  importing(
    'adapter-alone-event-log-kafka',
    'libs/event-log-kafka/src/x.ts',
    'libs/event-log-postgres/src/index.ts',
  ),
  importing('adapter-alone-read-models', 'libs/read-models/src/x.ts', 'libs/audit-store/src/index.ts'),
  importing('adapter-alone-audit-store', 'libs/audit-store/src/x.ts', 'libs/read-models/src/index.ts'),
  importing('adapter-alone-coordination', 'libs/coordination/src/x.ts', 'libs/read-models/src/index.ts'),
  importing(
    'connector-imports-sdk-only',
    'apps/connector-x/src/connector.ts',
    'libs/event-log-transport/src/index.ts',
  ),
  importing(
    'connector-main-imports-runtime-only',
    'apps/connector-x/src/main.ts',
    'libs/postgres/src/index.ts',
  ),
  importing('no-deep-import', 'apps/coordinator/src/x.ts', 'libs/opt-out/src/fold.ts'),
  importing('no-test-kit-in-production', 'apps/coordinator/src/x.ts', 'libs/postgres/src/testing/index.ts'),
  npmPackage('kafka-client-only-in-its-adapter', 'apps/coordinator/src/x.ts', 'kafkajs'),
  npmPackage('nest-not-below-wiring', 'libs/postgres/src/x.ts', '@nestjs/common'),
  npmPackage('database-driver-only-where-data-is-stored', 'libs/opt-out/src/x.ts', 'pg'),
  npmPackage('scim-is-pure', 'libs/scim/src/x.ts', 'lodash'),
  importing('nobody-imports-tests', 'apps/coordinator/src/x.ts', 'test/harness/index.ts'),
  {
    rule: 'resolvable',
    files: { 'libs/config/src/x.ts': `import { y } from './missing.js';\nexport const z = y;\n` },
  },
];

describe('the layers', () => {
  const folders: string[] = [];
  afterAll(() => folders.forEach(folder => rmSync(folder, { recursive: true, force: true })));

  /** Names of the rules that a tree of files violates. */
  function violations(files: Record<string, string>): string[] {
    const folder = mkdtempSync(path.join(tmpdir(), 'sever-layers-'));
    folders.push(folder);
    for (const dir of ['libs', 'apps', 'test', 'node_modules']) mkdirSync(path.join(folder, dir));
    symlinkSync(path.join(root, 'node_modules/typescript'), path.join(folder, 'node_modules/typescript'));
    for (const [name, text] of Object.entries({
      ...files,
      'tsconfig.json': '{}',
      'package.json': '{"type":"module"}',
    })) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    writeFileSync(path.join(folder, 'dependency-cruiser.cjs'), readFileSync(configFile));
    const bin = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
    const run = spawnSync(
      process.execPath,
      [bin, '--config', 'dependency-cruiser.cjs', '--output-type', 'json', 'libs', 'apps', 'test'],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    const report = JSON.parse(run.stdout) as { summary: { violations: { rule: { name: string } }[] } };
    return report.summary.violations.map(v => v.rule.name);
  }

  it.each(PLANTED.map(p => [p.rule, p.files] as const))('report a planted violation of %s', (rule, files) => {
    expect(violations(files)).toContain(rule);
  });

  it('have a planted violation for every rule', () => {
    expect(PLANTED.map(p => p.rule).sort()).toEqual(config.forbidden.map(rule => rule.name).sort());
  });

  it('allow what they should', () => {
    const fine = importing('none', 'apps/coordinator/src/x.ts', 'libs/postgres/src/index.ts');
    expect(violations(fine.files)).toEqual([]);
  });
});
