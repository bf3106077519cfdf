export { compareAudit, type AuditComparison } from './audit-comparison.js';
export { auditMigrations } from './audit-migrations.js';
export { type AuditedEvent } from './audit-columns.js';
export { AuditError, appendAudit } from './audit-stream.js';
export { eventsOfSubject, type SubjectEvent } from './subject-events.js';
export { timelines, type TimelineEntry } from './timelines.js';
