import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

type Source = { file: string; text: string };

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => file && existsSync(path.join(root, file)));
const sources: Source[] = tracked
  .filter(file => /\.(ts|mjs|cjs|md|json|yaml|yml)$/.test(file) && file !== 'package-lock.json')
  .map(file => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));

// Spelled in parts, so that this file does not find itself.
const join = (...parts: string[]): RegExp => new RegExp(parts.join(''), 'm');

/** Name of the rule -> how a file breaks it. Each is proven on a planted violation below. */
const RULES: Record<string, { applies: RegExp; breaks: (source: Source) => boolean; planted: Source }> = {
  'no folder or file is a dumping ground': {
    applies: /./,
    breaks: ({ file }) => /(^|\/)(utils?|helpers?|common|shared|misc|core)(\/|\.[a-z]+$)/.test(file),
    planted: { file: 'libs/x/src/utils.ts', text: '' },
  },
  'every test runs': {
    applies: /\.spec\.ts$/,
    breaks: ({ text }) =>
      join('\\b(it|test|describe)\\.(sk', 'ip|on', 'ly|to', 'do|fail', 'ing)\\b').test(text),
    planted: { file: 'x.spec.ts', text: ['it.sk', "ip('x')"].join('') },
  },
  'nothing is unfinished by its own words': {
    applies: /\.(ts|mjs)$/,
    breaks: ({ text }) => join('\\b(TO', 'DO|FIX', 'ME|X', 'XX)\\b').test(text),
    planted: { file: 'x.ts', text: ['// TO', 'DO later'].join('') },
  },
  'no check is switched off': {
    applies: /\.ts$/,
    breaks: ({ text }) => join('eslint-dis', 'able|@ts-(ig', 'nore|exp', 'ect-error|noch', 'eck)').test(text),
    planted: { file: 'x.ts', text: ['// @ts-ig', 'nore'].join('') },
  },
  'no path of one machine': {
    applies: /./,
    breaks: ({ text }) => join('(^|[^a-z.\\w])/(ro', 'ot|wo', 'rk|ho', 'me/[a-z]+)/').test(text),
    planted: { file: 'x.md', text: ['see /ro', 'ot/x'].join('') },
  },
  'no package registry by host': {
    applies: /./,
    breaks: ({ text }) => join('registry\\.npm', 'js|repo1\\.mav', 'en|pypi\\.o', 'rg').test(text),
    planted: { file: '.npmrc', text: ['registry.npm', 'js.org'].join('') },
  },
  'specs look at no clock to judge speed': {
    applies: /\.spec\.ts$/,
    breaks: ({ text }) => /expect\([^)]*(elapsed|duration|tookMs)[^)]*\)\.toBeLess/.test(text),
    planted: { file: 'x.spec.ts', text: ['expect(elap', 'sedMs).toBeLessThan(5)'].join('') },
  },
};

describe('the tree', () => {
  it.each(Object.entries(RULES))('%s', (_name, rule) => {
    const broken = sources.filter(source => rule.applies.test(source.file) && rule.breaks(source));
    expect(broken.map(source => source.file)).toEqual([]);
  });

  it.each(Object.entries(RULES))('would notice: %s', (_name, rule) => {
    expect(rule.applies.test(rule.planted.file) && rule.breaks(rule.planted)).toBe(true);
  });

  it('lists every package with an install script that is needed', () => {
    const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const scripted = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([place]) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length));
    expect(scripted.filter(name => !(name in manifest.allowScripts))).toEqual([]);
  });

  it('records no download address in the lockfile', () => {
    expect(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "http/);
  });
});

describe('the documents', () => {
  const pathsOf = (text: string): string[] =>
    [...text.matchAll(/`((?:apps|libs|deploy|test|docs|scripts)\/[\w./-]+)`/g)].map(match => match[1] ?? '');

  it.each(
    sources
      .filter(s => /^(README\.md|docs\/.*\.md|(apps|libs)\/[^/]+\/README\.md)$/.test(s.file))
      .map(s => [s.file, s.text]),
  )('%s names only paths that exist', (_file, text) => {
    expect(pathsOf(text).filter(name => !existsSync(path.join(root, name)))).toEqual([]);
  });

  it('would notice a path that is gone', () => {
    expect(
      pathsOf('see `libs/gone/src/gone.ts`').filter(name => !existsSync(path.join(root, name))),
    ).toHaveLength(1);
  });
});
