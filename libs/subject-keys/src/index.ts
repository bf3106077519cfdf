export { makeKeyFolder, openKeyFolder, type KeyEncryptionKeys } from './file-key-encryption-keys.js';
export { subjectKeyMigrations } from './subject-key-migrations.js';
export { SubjectKeyError, type SubjectKeyErrorCode } from './subject-key-error.js';
export { newSubjectKey, subjectKeysOf, type NewSubjectKey } from './new-subject-key.js';
export { createSubjectKeys } from './subject-keys.js';
export { type FieldBinding, type OpenedField, type SubjectKeys } from './subject-keys-port.js';
