import { DIALECT_RULES, type DialectRule } from './dialect-rules.js';
import { DIALECT_NAMES, dialectOf } from './dialect.js';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map(row => row[i]?.length ?? 0)));
  const line = (cells: readonly string[], fill = ' '): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0, fill)).join(' | ')} |`;
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...rows.map(row => line(row)),
  ].join('\n');
}

const yes = (value: boolean): string => (value ? 'yes' : '');

/** The dialects and the rules that set them apart, as Markdown. */
export function dialectReference(): string {
  const dialects = DIALECT_NAMES.map(dialectOf);
  const rules = Object.entries(DIALECT_RULES);
  return [
    table(
      ['dialect', 'for', 'evidence'],
      dialects.map(d => [`\`${d.name}\``, d.meantFor, d.evidence]),
    ),
    table(
      ['rule', 'what is taken', 'for example', 'evidence', ...dialects.map(d => `\`${d.name}\``)],
      rules.map(([id, rule]) => [
        `\`${id}\``,
        rule.means,
        rule.example,
        rule.evidence,
        ...dialects.map(d => yes(d.allows.has(id as DialectRule))),
      ]),
    ),
    table(
      ['answer', ...dialects.map(d => `\`${d.name}\``)],
      [
        ['status of a PATCH', ...dialects.map(d => String(d.patchStatus))],
        [
          'a read-only attribute must repeat what is stored',
          ...dialects.map(d => yes(d.dropsEqualReadOnlyOnly)),
        ],
        ['`displayName` of groups is unique', ...dialects.map(d => yes(d.isGroupNameUnique))],
      ],
    ),
  ].join('\n\n');
}
