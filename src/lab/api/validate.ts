import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../base/kubernetes.js';
import { labelsMatch } from '../../base/kubernetes.js';
import type { CustomDefinition } from '../control/definitions.js';
import type { ResourceKind } from '../control/resources.js';
import { valuesAt } from './jsonPath.js';
import { type Dict, isDict } from './lists.js';
import { checkSchema } from './schema.js';
import { ANY_OBJECT, SCHEMAS } from './schemas/all.js';
import { type ApiStatusError, badRequest, type FieldError, invalid } from './status.js';
import { checkStructural, type JsonSchema } from './structural.js';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** What the client asked for with `fieldValidation`; the server's own default is Warn. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/**
 * Compares the fields with the kind's schema: unknown ones are refused (Strict), named in a warning (Warn) and dropped.
 * @param definition of a kind that a CustomResourceDefinition added: its schema holds, with its defaults.
 * @returns the object without them.
 * @throws ApiStatusError 400 for unknown fields and, of built-in kinds, wrong types; 422 for wrong types of custom kinds.
 */
export function checkFields(
  entry: ResourceKind,
  object: KubeObject,
  mode: FieldValidation,
  definition?: CustomDefinition,
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  const findings = definition
    ? checkStructural(definition.schema as JsonSchema, object)
    : checkSchema(SCHEMAS[entry.resource] ?? ANY_OBJECT, object, '');
  if (definition?.scale) findings.errors.push(...scaleErrors(definition.scale.spec, object));
  const version = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1);
  const refusal = `${entry.kind} in version "${version}" cannot be handled as a ${entry.kind}: `;
  const errors = findings.errors;
  if (findings.unknown.length > 0 && mode === 'Strict') {
    throw badRequest(
      `${refusal}strict decoding error: ${findings.unknown.map((f) => `unknown field "${f}"`).join(', ')}`,
    );
  }
  const [first] = errors;
  if (first && entry.custom) throw invalid(entry.group, entry.kind, object.metadata.name, errors);
  if (first) {
    const [, found = '', wanted = ''] = /"(\w+)": .* of type ([\w ]+):/.exec(first.message) ?? [];
    throw badRequest(`${refusal}json: cannot unmarshal ${found} into field ${first.field} of type ${wanted}`);
  }
  const warnings = mode === 'Warn' ? findings.unknown.map((field) => `unknown field "${field}"`) : [];
  return { object: findings.value as KubeObject, warnings };
}

/** A replica count that is there must be one: it is read by `/scale`. */
function scaleErrors(path: string, object: KubeObject): FieldError[] {
  const [value] = valuesAt(object, path);
  if (value === undefined || Number.isInteger(value)) return [];
  return [{ type: 'Invalid', field: path, message: `${JSON.stringify(value)}: must be an integer` }];
}

function nameErrors(entry: ResourceKind, name: string): FieldError[] {
  const label = entry.kind === 'Namespace' || (entry.group === '' && entry.kind === 'Service');
  // RBAC names are path segments and may hold colons.
  if (entry.group.startsWith('rbac.')) return [];
  const fits = label ? LABEL.test(name) && name.length <= 63 : SUBDOMAIN.test(name) && name.length <= 253;
  if (fits) return [];
  const words = label ? LABEL_WORDS : SUBDOMAIN_WORDS;
  return [{ type: 'Invalid', field: 'metadata.name', message: `${JSON.stringify(name)}: ${words}` }];
}

function workloadErrors(object: KubeObject, before: KubeObject | undefined): FieldError[] {
  const spec = object.spec;
  const required = (field: string): FieldError => ({ type: 'Required', field, message: '' });
  if (!spec) return [required('spec')];
  const errors: FieldError[] = [];
  const { selector, template, replicas } = spec;
  if (!isDict(selector)) errors.push(required('spec.selector'));
  const { metadata = {}, spec: podSpec } = (isDict(template) ? template : {}) as { metadata?: Dict; spec?: unknown };
  const labels = (isDict(metadata?.labels) ? metadata.labels : {}) as Record<string, string>;
  const wanted = (isDict(selector) && isDict(selector.matchLabels) ? selector.matchLabels : {}) as Record<
    string,
    string
  >;
  if (!isDict(selector) || !labelsMatch(wanted, labels)) {
    const message = `${JSON.stringify(metadata?.labels ?? null)}: \`selector\` does not match template \`labels\``;
    errors.push({ type: 'Invalid', field: 'spec.template.metadata.labels', message });
  }
  const containers = isDict(podSpec) ? podSpec.containers : undefined;
  if (!Array.isArray(containers) || containers.length === 0) errors.push(required('spec.template.spec.containers'));
  if (typeof replicas === 'number' && replicas < 0) {
    const message = `${replicas}: must be greater than or equal to 0`;
    errors.push({ type: 'Invalid', field: 'spec.replicas', message });
  }
  if (before && !isDeepStrictEqual(before.spec?.selector, selector)) {
    errors.push({
      type: 'Invalid',
      field: 'spec.selector',
      message: `${JSON.stringify(selector)}: field is immutable`,
    });
  }
  return errors;
}

function serviceErrors(object: KubeObject, before: KubeObject | undefined): FieldError[] {
  const spec = object.spec ?? {};
  const ports = Array.isArray(spec.ports) ? (spec.ports as unknown[]).filter(isDict) : [];
  const errors = ports.flatMap((port, i): FieldError[] =>
    // A target port that was left out is the port itself.
    (['port', 'targetPort'] as const).flatMap((field): FieldError[] => {
      const value = port[field];
      if (field === 'targetPort' && typeof value !== 'number') return [];
      if (typeof value === 'number' && value >= 1 && value <= 65_535) return [];
      const message = `${String(value)}: must be between 1 and 65535, inclusive`;
      return [{ type: 'Invalid', field: `spec.ports[${i}].${field}`, message }];
    }),
  );
  if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None') {
    errors.push({ type: 'Required', field: 'spec.ports', message: '' });
  }
  if (ports.length > 1) {
    ports.forEach(({ name }, i) => {
      if (!name) errors.push({ type: 'Required', field: `spec.ports[${i}].name`, message: '' });
    });
  }
  if (before && before.spec?.type !== 'ExternalName' && before.spec?.clusterIP !== spec.clusterIP) {
    const message = `${JSON.stringify(spec.clusterIP)}: may not change once set`;
    errors.push({ type: 'Invalid', field: 'spec.clusterIP', message });
  }
  return errors;
}

/** What is being deleted can only lose finalizers. */
function finalizerErrors(object: KubeObject, before: KubeObject): FieldError[] {
  if (!before.metadata.deletionTimestamp) return [];
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const known = list(before.metadata.finalizers);
  const added = list(object.metadata.finalizers).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return [];
  const message = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  return [{ type: 'Forbidden', field: 'metadata.finalizers', message }];
}

function definitionErrors({ metadata, spec }: KubeObject): FieldError[] {
  const names = isDict(spec?.names) ? spec.names : {};
  const wanted = `${String(names.plural)}.${String(spec?.group)}`;
  if (metadata.name === wanted) return [];
  const message = `${JSON.stringify(metadata.name)}: must be spec.names.plural+"."+spec.group`;
  return [{ type: 'Invalid', field: 'metadata.name', message }];
}

/** What the operator's CustomResourceDefinition asks for beyond the types. */
function testRunErrors(object: KubeObject): FieldError[] {
  const required = (field: string): FieldError => ({ type: 'Required', field, message: '' });
  const { parallelism, script, cleanup } = object.spec ?? {};
  const errors: FieldError[] = [];
  if (parallelism === undefined) errors.push(required('spec.parallelism'));
  if (!isDict(script)) errors.push(required('spec.script'));
  for (const source of ['configMap', 'volumeClaim'] as const) {
    const given = isDict(script) ? script[source] : undefined;
    if (isDict(given) && given.name === undefined) errors.push(required(`spec.script.${source}.name`));
  }
  if (cleanup !== undefined && cleanup !== 'post') {
    const message = `${JSON.stringify(cleanup)}: Unsupported value: supported values: "post"`;
    errors.push({ type: 'Invalid', field: 'spec.cleanup', message });
  }
  return errors;
}

/**
 * The API server's own checks of an object after defaults: names, and what of workloads and Services would otherwise fail
 * far away from its cause.
 * @returns the 422 to answer with, or undefined.
 */
export function validationError(
  entry: ResourceKind,
  object: KubeObject,
  before: KubeObject | undefined,
): ApiStatusError | undefined {
  const errors = before ? finalizerErrors(object, before) : nameErrors(entry, object.metadata.name);
  if (entry.kind === 'CustomResourceDefinition') errors.push(...definitionErrors(object));
  if (entry.group === 'apps') errors.push(...workloadErrors(object, before));
  if (entry.resource === 'services') errors.push(...serviceErrors(object, before));
  if (entry.resource === 'testruns.k6.io') errors.push(...testRunErrors(object));
  return errors.length > 0 ? invalid(entry.group, entry.kind, object.metadata.name, errors) : undefined;
}
