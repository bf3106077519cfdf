import { ConfigError } from './config-error.js';
import { rawValue } from './secret-file.js';
import type { ConfigOf, Setting, Settings } from './setting.js';

/**
 * Reads declared settings from the environment: the one place that touches `process.env`.
 * An empty variable counts as not set. A secret `NAME` may be given as `NAME_FILE`, the path of a file that holds it.
 * @throws ConfigError naming every variable that is missing or wrong, without their values.
 */
export function loadConfig<S extends Settings>(
  settings: S,
  env: NodeJS.ProcessEnv = process.env,
): ConfigOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const read = readSetting(setting, env);
    if ('problem' in read) problems.push(`${setting.env} (${setting.text}): ${read.problem}`);
    else values[name] = read.value;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as ConfigOf<S>;
}

function readSetting(setting: Setting, env: NodeJS.ProcessEnv): { value: unknown } | { problem: string } {
  const raw = rawValue(setting, env);
  if ('problem' in raw) return raw;
  const parsed = setting.schema.safeParse(raw.value);
  if (parsed.success) return { value: parsed.data };
  if (raw.value !== undefined) return { problem: problemOf(parsed.error) };
  return { problem: setting.secret ? `is not set, nor is ${setting.env}_FILE` : 'is not set' };
}

/** zod's messages say what was expected and do not repeat the value. */
const problemOf = (error: { issues: readonly { message: string }[] }): string =>
  error.issues.map(issue => issue.message).join('; ');
