import type { Finding } from './finding.js';

/** Findings that are spelled out; of the others there is only the number. */
const SHOWN = 12;

/** What was done and found, as a table for people. */
export function reportOf(
  rows: readonly [what: string, value: string | number][],
  findings: readonly Finding[],
): string {
  const width = Math.max(...rows.map(([what]) => what.length));
  const lines = rows.map(([what, value]) => `  ${what.padEnd(width)}  ${value}`);
  const named = findings.slice(0, SHOWN).map(f => `  ${f.anomaly}: ${f.explanation}`);
  const more = findings.length > SHOWN ? [`  and ${findings.length - SHOWN} more`] : [];
  return [...lines, ...named, ...more].join('\n');
}
