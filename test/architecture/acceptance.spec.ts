import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/scim-acceptance.md'), 'utf8');

type Row = { section: string; no: number; claim: string; shown: string };

function rowsOf(text: string): Row[] {
  return text.split(/^## /m).flatMap(part => {
    const [section = '', ...lines] = part.split('\n');
    return lines
      .map(line => line.split('|').map(cell => cell.trim()))
      .filter(cells => /^\d+$/.test(cells[1] ?? ''))
      .map(([, no, , claim = '', shown = '']) => ({ section, no: Number(no), claim, shown }));
  });
}

/** What is wrong with a row: it names no test that is there, and does not say that nothing is there. */
function fault({ claim, shown }: Row): string | undefined {
  const specs = [...shown.matchAll(/`([^`]+)`/g)].map(match => match[1] ?? '');
  const wrong = specs.filter(spec => !spec.endsWith('.spec.ts') || !existsSync(path.join(root, spec)));
  if (wrong.length > 0) return `no such test: ${wrong.join(', ')}`;
  return specs.length === 0 && !claim.startsWith('not there') ? 'nothing shows it' : undefined;
}

describe('the acceptance page', () => {
  const rows = rowsOf(page);

  it('has every line once, in order', () => {
    const sections = Map.groupBy(rows, row => row.section);
    expect([...sections.values()].map(of => of.map(row => row.no))).toEqual(
      [13, 14, 21].map(count => Array.from({ length: count }, (_, i) => i + 1)),
    );
  });

  it('claims nothing that no test shows', () => {
    expect(rows.map(row => [row.section, row.no, fault(row)]).filter(([, , wrong]) => wrong)).toEqual([]);
  });

  it.each([
    ['a test that is gone', '| 1 | asked | done | `test/gone.spec.ts` |'],
    ['a file that is no test', '| 1 | asked | done | `package.json` |'],
    ['a claim without a test', '| 1 | asked | done | - |'],
  ])('would notice %s', (_what, line) => {
    expect(rowsOf(`## Planted\n\n${line}\n`).map(fault)).toEqual([expect.any(String)]);
  });
});
