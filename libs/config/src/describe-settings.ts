import type { Setting, Settings } from './setting.js';

/** A declared setting for people. */
export type SettingDescription = {
  env: string;
  text: string;
  secret: boolean;
  /** Nothing works without it. */
  required: boolean;
  /** What counts when it is not set, as one would write it; undefined when nothing does. */
  fallback: string | undefined;
};

/** Declared settings by the names of their variables. */
export const describeSettings = (settings: Settings): SettingDescription[] =>
  Object.values(settings)
    .map(describe)
    .sort((a, b) => (a.env < b.env ? -1 : 1));

function describe(setting: Setting): SettingDescription {
  const parsed = setting.schema.safeParse(undefined);
  return {
    env: setting.env,
    text: setting.text,
    secret: setting.secret ?? false,
    required: !parsed.success,
    fallback: parsed.success && parsed.data !== undefined ? written(setting, parsed.data) : undefined,
  };
}

function written(setting: Setting, value: unknown): string {
  if (Array.isArray(value)) return value.map(v => written(setting, v)).join(',');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  // A number that may be written with a unit is a duration in seconds.
  if (typeof value === 'number' && setting.schema.safeParse('1s').success) return duration(value);
  return String(value);
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
] as const;

function duration(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size && seconds % size === 0);
  return unit ? `${seconds / unit[1]}${unit[0]}` : `${seconds}s`;
}
