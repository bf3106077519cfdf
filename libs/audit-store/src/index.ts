export { compareAudit, type AuditComparison } from './audit-comparison.js';
export { auditMigrations } from './audit-migrations.js';
export { AuditError, appendAudit, type AuditedEvent } from './audit-stream.js';
export { timelines, type TimelineEntry } from './timelines.js';
