import type { ResourceKind } from '../control/resources.js';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A refusal in the API server's own shape: what a `Status` object of kind Failure carries. */
export class ApiStatusError extends Error {
  override readonly name = 'ApiStatusError';
  /** HTTP status. */
  readonly code: number;
  /** `NotFound`, `Conflict`, ...; empty where the API gives none (denied by a webhook). */
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Record<string, unknown> {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** `{name, group, kind: plural}` as the API server writes details of most refusals. */
function detailsOf(entry: ResourceKind, name: string): StatusDetails {
  return { name, ...(entry.group ? { group: entry.group } : {}), kind: entry.plural };
}

export const badRequest = (message: string): ApiStatusError => new ApiStatusError(400, 'BadRequest', message);

export const notFound = (entry: ResourceKind, name: string): ApiStatusError =>
  new ApiStatusError(404, 'NotFound', `${entry.resource} "${name}" not found`, detailsOf(entry, name));

export const alreadyExists = (entry: ResourceKind, name: string): ApiStatusError =>
  new ApiStatusError(409, 'AlreadyExists', `${entry.resource} "${name}" already exists`, detailsOf(entry, name));

export const conflict = (entry: ResourceKind, name: string, why: string): ApiStatusError =>
  new ApiStatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${entry.resource} "${name}": ${why}`,
    detailsOf(entry, name),
  );

export const methodNotAllowed = (): ApiStatusError =>
  new ApiStatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

export const unknownPath = (): ApiStatusError =>
  new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource');

export const tooLarge = (): ApiStatusError =>
  new ApiStatusError(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728');

export const unsupportedMediaType = (accepted: readonly string[]): ApiStatusError =>
  new ApiStatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const expired = (asked: string, oldest: number): ApiStatusError =>
  new ApiStatusError(410, 'Expired', `too old resource version: ${asked} (${oldest})`);

/** What a field validation found; `type` is the field-error type of apimachinery. */
export interface FieldError {
  readonly type: 'Required' | 'Invalid' | 'Forbidden' | 'TypeInvalid' | 'NotSupported' | 'TooMany' | 'TooLong';
  readonly field: string;
  /** Without the leading words `Required value: `, `Invalid value: `. */
  readonly message: string;
}

const CAUSES: Record<FieldError['type'], readonly [reason: string, words: string]> = {
  Required: ['FieldValueRequired', 'Required value'],
  Invalid: ['FieldValueInvalid', 'Invalid value'],
  TypeInvalid: ['FieldValueTypeInvalid', 'Invalid value'],
  Forbidden: ['FieldValueForbidden', 'Forbidden'],
  NotSupported: ['FieldValueNotSupported', 'Unsupported value'],
  TooMany: ['FieldValueTooMany', 'Too many'],
  TooLong: ['FieldValueTooLong', 'Too long'],
};

/** 422 with one cause per field, worded as kubectl shows it: `The Deployment "x" is invalid: ...`. */
export function invalid(group: string, kind: string, name: string, errors: readonly FieldError[]): ApiStatusError {
  const texts = errors.map((error) => `${error.field}: ${CAUSES[error.type][1]}: ${error.message}`);
  const message = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new ApiStatusError(422, 'Invalid', `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${message}`, {
    name,
    ...(group ? { group } : {}),
    kind,
    causes: errors.map((error) => ({
      reason: CAUSES[error.type][0],
      message: `${CAUSES[error.type][1]}: ${error.message}`,
      field: error.field,
    })),
  });
}
