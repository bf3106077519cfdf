export { ConfigError } from './config-error.js';
export { describeSettings, type SettingDescription } from './describe-settings.js';
export { failpoint } from './failpoint.js';
export { endWithParent } from './parent-watch.js';
export { inheritedEnvironment } from './inherited-environment.js';
export { loadConfig } from './load-config.js';
export { durationSeconds, onOff, port, positiveInteger, postgresUrl } from './schemas.js';
export { setting, type ConfigOf, type Setting, type Settings } from './setting.js';
