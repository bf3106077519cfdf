export { type FieldBinding, type OpenedField, type SubjectKeys } from './subject-keys-port.js';
