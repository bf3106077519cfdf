/** `scimType` values of RFC 7644 §3.12, table 9, and of RFC 9865 §2.1. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

export const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** A request that is answered with a SCIM error body (RFC 7644 §3.12). `code` is stable, `detail` says what to do. */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  readonly code: string;
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly scimType?: ScimType,
    code?: string,
  ) {
    super(detail);
    this.code = code ?? `scim.${scimType ?? status}`;
  }
}

export type ScimErrorBody = {
  schemas: [typeof ERROR_SCHEMA];
  status: string;
  scimType?: ScimType;
  detail: string;
};

/** The body of an error: `status` is a string, `scimType` is left out when there is none. */
export const errorBody = (error: ScimError): ScimErrorBody => ({
  schemas: [ERROR_SCHEMA],
  status: String(error.status),
  ...(error.scimType && { scimType: error.scimType }),
  detail: error.detail,
});

export const invalidSyntax = (detail: string): ScimError => new ScimError(400, detail, 'invalidSyntax');
export const invalidValue = (detail: string): ScimError => new ScimError(400, detail, 'invalidValue');
export const invalidPath = (detail: string): ScimError => new ScimError(400, detail, 'invalidPath');
export const invalidFilter = (detail: string): ScimError => new ScimError(400, detail, 'invalidFilter');
export const noTarget = (detail: string): ScimError => new ScimError(400, detail, 'noTarget');
export const mutability = (detail: string): ScimError => new ScimError(400, detail, 'mutability');
