import { describeSettings, type SettingDescription, type Settings } from '@sever/config';
import { appSettings } from './app-settings.js';

const CONNECTORS = 'connector-SYSTEM';
const HEAD = ['setting', 'without it', 'meaning'];

/** A table in Markdown of every setting of every process, formatted as the repository formats tables. */
export async function settingsReference(): Promise<string> {
  const processes = new Map<string, Settings>();
  for (const [app, settings] of await appSettings())
    processes.set(app.startsWith('connector-') ? CONNECTORS : app, settings);
  return [...processes]
    .map(([name, settings]) => `### ${name}\n\n${table(describeSettings(settings).map(row))}`)
    .join('\n\n');
}

const row = (d: SettingDescription): string[] => [
  `\`${d.env}\`${d.secret ? `, \`${d.env}_FILE\`` : ''}`,
  d.required ? 'does not start' : d.fallback === undefined ? 'off' : `\`${d.fallback}\``,
  d.text,
];

function table(rows: readonly string[][]): string {
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map(r => r[i]?.length ?? 0)));
  const line = (cells: readonly string[], fill = ' '): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0, fill)).join(' | ')} |`;
  return [line(HEAD), line(['', '', ''], '-'), ...rows.map(r => line(r))].join('\n');
}
