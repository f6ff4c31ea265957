import type { KubeObject } from '../../base/kubernetes.js';
import { refusedDurations } from '../../mesh/durations.js';
import type { ResourceName } from '../control/store.js';
import { type Dict, isDict } from './lists.js';
import { ApiStatusError, type FieldError, invalid } from './status.js';

type Operation = 'CREATE' | 'UPDATE';

/**
 * Looks at an object before it is stored.
 * @returns warnings for the client, if any.
 * @throws ApiStatusError to refuse it.
 */
export type Admission = (
  resource: ResourceName,
  object: KubeObject,
  operation: Operation,
) => readonly string[] | undefined;

const dicts = (value: unknown): Dict[] => (Array.isArray(value) ? value.filter(isDict) : []);
const dict = (value: unknown): Dict => (isDict(value) ? value : {});

/** Go's `%f`. */
const float = (value: number): string => value.toFixed(6);

function destinationFaults(value: unknown): string[] {
  const { host, port } = dict(value);
  if (typeof host !== 'string' || host === '') return ['domain name "" invalid (label "" invalid)'];
  const number = dict(port).number;
  if (host === '*') return ['invalid destination host *'];
  if (isDict(port) && !(typeof number === 'number' && number >= 1 && number <= 65_535)) {
    return [`port number ${number ?? 0} must be in the range 1..65535`];
  }
  return [];
}

/** Weights of one route: integers by the schema, not negative, not all zero among several (facts: istio pkg/config/validation). */
function weightFaults(route: unknown): string[] {
  const entries = dicts(route);
  const faults: string[] = [];
  let total = 0;
  for (const { destination, weight } of entries) {
    faults.push(...(isDict(destination) ? destinationFaults(destination) : ['destination is required']));
    if (typeof weight !== 'number') continue;
    if (weight < 0) faults.push(`weight ${weight} < 0`);
    total += weight;
  }
  if (entries.length > 1 && total === 0) faults.push('total destination weight = 0');
  return faults;
}

function percentFaults(name: string, percentage: unknown): string[] {
  const value = dict(percentage).value;
  if (typeof value !== 'number') return [];
  if (value > 100) return [`${name} must have a max value of 100 (it has ${float(value)})`];
  return value < 0 ? [`${name} must have a min value of 0 (it has ${float(value)})`] : [];
}

function mirrorFaults(http: Dict): string[] {
  const faults: string[] = [];
  const mirrors = dicts(http.mirrors);
  if (http.mirror !== undefined && mirrors.length > 0) faults.push('HTTP route cannot contain both mirror and mirrors');
  if (typeof http.mirrorPercent === 'number' && http.mirrorPercent > 100) {
    faults.push(`mirror_percent must have a max value of 100 (it has ${http.mirrorPercent})`);
  }
  faults.push(...percentFaults('mirror_percentage', http.mirrorPercentage));
  if (http.mirror !== undefined) faults.push(...destinationFaults(http.mirror));
  for (const mirror of mirrors) {
    if (!isDict(mirror.destination)) faults.push('destination is required for mirrors');
    else
      faults.push(...destinationFaults(mirror.destination), ...percentFaults('mirror percentage', mirror.percentage));
  }
  return faults;
}

function faultPercentFaults(percentage: unknown): string[] {
  const value = dict(percentage).value;
  if (typeof value !== 'number') return [];
  const fits = value === 0 || (value >= 0.0001 && value <= 100);
  return fits ? [] : [`percentage ${value} is neither 0.0, nor in range [0.0001, 100.0]`];
}

function faultFaults(fault: Dict): string[] {
  const { abort, delay } = fault;
  const faults = [...faultPercentFaults(dict(abort).percentage), ...faultPercentFaults(dict(delay).percentage)];
  const status = dict(abort).httpStatus;
  if (typeof status === 'number' && (status < 200 || status > 600)) {
    faults.push(`HTTP status ${status} is not in range 200-599`);
  }
  return faults;
}

function conflictFaults(http: Dict): string[] {
  const routes = dicts(http.route).length;
  if (http.delegate !== undefined) {
    const name = String(http.name ?? '');
    return routes > 0 ? [`root HTTP route ${name} must not specify route`] : [];
  }
  if (http.redirect !== undefined) return routes > 0 ? ['HTTP route cannot contain both route and redirect'] : [];
  if (http.directResponse !== undefined) {
    return routes > 0 ? ['HTTP route cannot contain both route and direct_response'] : [];
  }
  return routes === 0 ? ['HTTP route, redirect or direct_response is required'] : [];
}

function retryFaults(retries: Dict): string[] {
  const { attempts } = retries;
  if (typeof attempts === 'number' && attempts < 0) return ['attempts cannot be negative'];
  const others = Object.keys(retries).some((key) => key !== 'attempts' && retries[key] !== '');
  return !attempts && others ? ['http retry policy configured when attempts are set to 0 (disabled)'] : [];
}

function hostFaults(spec: Dict): string[] {
  const hosts = Array.isArray(spec.hosts) ? spec.hosts.map(String) : [];
  const gateways = Array.isArray(spec.gateways) ? spec.gateways : [];
  const mesh = gateways.length === 0 || gateways.includes('mesh');
  const faults: string[] = [];
  if (mesh && hosts.includes('*')) {
    faults.push('wildcard host * is not allowed for virtual services bound to the mesh gateway');
  }
  const covers = (a: string, b: string) => a === b || (a.startsWith('*.') && b.endsWith(a.slice(1)));
  hosts.forEach((a, i) => {
    for (const b of hosts.slice(i + 1)) {
      if (covers(a, b) || covers(b, a)) faults.push(`duplicate hosts in virtual service: ${a} & ${b}`);
    }
  });
  return faults;
}

const isCatchAll = (match: Dict): boolean => {
  const { name: _, statPrefix: __, uri, ...others } = match;
  if (Object.keys(others).length > 0) return false;
  const { prefix, regex } = dict(uri);
  return uri === undefined || prefix === '/' || regex === '.*' || regex === '*';
};

function routeWarnings(routes: readonly Dict[]): string[] {
  const warnings: string[] = [];
  let closed = false;
  routes.forEach((http, i) => {
    const name = http.name ? `"${String(http.name)}"` : `#${i}`;
    const matches = dicts(http.match);
    const reason = matches.length === 0 ? 'only the last rule can have no matches' : 'all matches used by prior rules';
    if (closed) warnings.push(`virtualService rule ${name} not used (${reason})`);
    if (http.mirrorPercent !== undefined) {
      warnings.push('using deprecated setting "mirrorPercent", use "mirrorPercentage" instead');
    }
    closed ||= matches.length === 0 || matches.some(isCatchAll);
  });
  return warnings;
}

/** A rule of Istio's CRDs; what is no text the schema has refused already. */
const durationErrors = (object: KubeObject): FieldError[] =>
  refusedDurations(object)
    .filter(({ value }) => typeof value === 'string')
    .map(({ field }) => ({ type: 'Invalid', field, message: '"string": must be a valid duration greater than 1ms' }));

function virtualService(object: KubeObject): { faults: string[]; errors: FieldError[]; warnings: string[] } {
  const spec = object.spec ?? {};
  const routes = dicts(spec.http);
  const l4 = [...dicts(spec.tcp), ...dicts(spec.tls)];
  const empty = routes.length + l4.length === 0 ? ['http, tcp or tls must be provided in virtual service'] : [];
  const faults = [
    ...hostFaults(spec),
    ...empty,
    ...routes.flatMap((http) => [
      ...conflictFaults(http),
      ...faultFaults(dict(http.fault)),
      ...mirrorFaults(http),
      ...retryFaults(dict(http.retries)),
      ...weightFaults(http.route),
    ]),
    ...l4.flatMap(({ route }) => weightFaults(route)),
  ];
  return { faults, errors: durationErrors(object), warnings: routeWarnings(routes) };
}

function destinationRuleFaults(object: KubeObject): string[] {
  const { host, subsets } = object.spec ?? {};
  return [
    ...(typeof host === 'string' && host ? [] : ['domain name "" invalid (label "" invalid)']),
    ...dicts(subsets).flatMap(({ name }) =>
      typeof name === 'string' && /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(name)
        ? []
        : [`subset name is invalid: ${name ?? ''}`],
    ),
  ];
}

/** hashicorp/go-multierror's text, as Istio's webhook answers it. */
const joined = (faults: readonly string[]): string =>
  faults.length === 1
    ? (faults[0] ?? '')
    : `${faults.length} errors occurred:\n${faults.map((fault) => `\t* ${fault}\n`).join('')}\n`;

/** What Istio's validating webhook and the rules in its CRDs refuse or warn of; other kinds pass. */
export const istioAdmission: Admission = (resource, object) => {
  const { faults, errors, warnings } =
    resource === 'virtualservices.networking.istio.io'
      ? virtualService(object)
      : resource === 'destinationrules.networking.istio.io'
        ? { faults: destinationRuleFaults(object), errors: durationErrors(object), warnings: [] }
        : { faults: [], errors: [], warnings: [] };
  if (errors.length > 0) throw invalid('networking.istio.io', object.kind, object.metadata.name, errors);
  if (faults.length > 0) {
    const message = `admission webhook "validation.istio.io" denied the request: configuration is invalid: ${joined(faults)}`;
    throw new ApiStatusError(400, '', message);
  }
  return warnings;
};
