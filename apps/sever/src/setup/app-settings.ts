import type { Settings } from '@sever/config';
import { connectorSettings } from '@sever/connector-runtime';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setupKafkaSettings, setupSettings } from './setup-settings.js';

const APPS = new URL('../../../', import.meta.url);
const SETTINGS_FILE = /^[a-z-]+-settings\.js$/;

/** The command that prepares a database; it is run once and is no process of the pipeline. */
export const SETUP = 'sever setup';

/**
 * Declared settings of every process: each app has a file NAME-settings with one object, connectors share theirs.
 * Reads built apps.
 */
export async function appSettings(): Promise<Map<string, Settings>> {
  const found = new Map<string, Settings>();
  for (const app of readdirSync(APPS)
    .filter(name => name !== 'sever')
    .sort()) {
    if (!existsSync(new URL(`${app}/package.json`, APPS))) continue;
    found.set(app, app.startsWith('connector-') ? connectorSettings : await settingsOf(app));
  }
  return found.set(SETUP, { ...setupSettings, ...setupKafkaSettings });
}

async function settingsOf(app: string): Promise<Settings> {
  const dist = new URL(`${app}/dist/`, APPS);
  const file = readdirSync(dist).find(name => SETTINGS_FILE.test(name));
  if (!file) throw new Error(`${fileURLToPath(dist)} has no file that declares the settings of ${app}`);
  const [settings] = Object.values((await import(new URL(file, dist).href)) as Record<string, Settings>);
  if (!settings) throw new Error(`${file} of ${app} exports no settings`);
  return settings;
}
