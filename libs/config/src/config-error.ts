/** A setting is missing or wrong. The message names the variable and what it must be, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config.invalid';
  constructor(readonly problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map(p => `  ${p}`).join('\n')}`);
  }
}
