/** Every `file:` or `env:` reference in a value, however deep. */
export function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return /^(file|env):/.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(referencesIn) : [];
}
