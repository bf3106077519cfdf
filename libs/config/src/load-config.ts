import { ConfigError } from './config-error.js';
import type { ConfigOf, Settings } from './setting.js';

/**
 * Reads declared settings from the environment: the one place that touches `process.env`.
 * An empty variable counts as not set.
 * @throws ConfigError naming every variable that is missing or wrong, without their values.
 */
export function loadConfig<S extends Settings>(
  settings: S,
  env: NodeJS.ProcessEnv = process.env,
): ConfigOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { env: variable, schema, text }] of Object.entries(settings)) {
    const raw = env[variable];
    const parsed = schema.safeParse(raw === '' ? undefined : raw);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push(
        `${variable} (${text}): ${raw === undefined || raw === '' ? 'is not set' : problemOf(parsed.error)}`,
      );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as ConfigOf<S>;
}

/** zod's messages say what was expected and do not repeat the value. */
const problemOf = (error: { issues: readonly { message: string }[] }): string =>
  error.issues.map(issue => issue.message).join('; ');
