import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { perObject } from './memo.js';
import { durationMs, type Fields, isRecord, number, record, records, text } from './read.js';
import type { MeshWarning } from './types.js';

const RETRY_WORDS = new Set([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'retriable-headers',
  'retriable-status-codes',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);

/**
 * Why an object would not be stored: what the API server's schema and Istio's webhook refuse, as far as it touches routing. Empty: it is
 * accepted (which does not mean that it has the effect that was meant).
 */
export const refusalsOf = perObject((object: KubeObject): readonly MeshWarning[] =>
  object.kind === 'VirtualService' ? virtualServiceRefusals(object) : [],
);

function virtualServiceRefusals(object: KubeObject): MeshWarning[] {
  const found: MeshWarning[] = [];
  const refuse = (field: string, message: string): void => {
    found.push({
      code: 'OBJECT_REFUSED',
      object: objectRef(object),
      field,
      message: `The cluster refuses this object: ${message}.`,
    });
  };
  const gateways = object.spec?.gateways;
  const onMesh = !Array.isArray(gateways) || gateways.length === 0 || gateways.includes('mesh');
  const hosts = object.spec?.hosts;
  if (onMesh && Array.isArray(hosts) && hosts.includes('*')) {
    refuse('spec.hosts', 'the host `*` needs a gateway, sidecars do not take it');
  }
  const exportTo = object.spec?.exportTo;
  if (Array.isArray(exportTo) && exportTo.includes('~')) refuse('spec.exportTo', '`~` is not allowed here');
  records(object.spec?.http).forEach((rule, index) => {
    ruleRefusals(rule, `spec.http[${index}]`, refuse);
  });
  return found;
}

type Refuse = (field: string, message: string) => void;

function ruleRefusals(rule: Fields, field: string, refuse: Refuse): void {
  weightRefusals(rule, field, refuse);
  matchRefusals(rule, field, refuse);
  if (records(rule.route).length > 0 && isRecord(rule.redirect)) refuse(field, 'a rule has either route or redirect');
  if (isRecord(rule.mirror) && records(rule.mirrors).length > 0) refuse(field, 'a rule has either mirror or mirrors');
  percentRefusal(rule.mirrorPercentage, `${field}.mirrorPercentage`, refuse);
  records(rule.mirrors).forEach((entry, index) => {
    percentRefusal(entry.percentage, `${field}.mirrors[${index}].percentage`, refuse);
  });
  if (isRecord(rule.fault)) {
    if (!isRecord(rule.fault.delay) && !isRecord(rule.fault.abort))
      refuse(`${field}.fault`, 'a fault needs delay or abort');
    percentRefusal(record(rule.fault.delay).percentage, `${field}.fault.delay.percentage`, refuse);
    percentRefusal(record(rule.fault.abort).percentage, `${field}.fault.abort.percentage`, refuse);
    if (isRecord(rule.redirect)) refuse(field, 'a rule has either fault or redirect');
  }
  if (rule.timeout !== undefined && !((durationMs(rule.timeout) ?? 0) >= 1)) {
    refuse(`${field}.timeout`, `found ${JSON.stringify(rule.timeout)}, allowed is a duration of at least 1ms`);
  }
  retryRefusals(rule, field, refuse);
}

function weightRefusals(rule: Fields, field: string, refuse: Refuse): void {
  const entries = records(rule.route);
  let sum = 0;
  let readable = true;
  entries.forEach((entry, index) => {
    const { weight } = entry;
    if (weight === undefined || weight === null) return;
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0) {
      readable = false;
      refuse(`${field}.route[${index}].weight`, `found ${JSON.stringify(weight)}, allowed is a whole number from 0`);
    } else sum += weight;
  });
  if (readable && entries.length > 1 && sum === 0) refuse(`${field}.route`, 'total destination weight = 0');
}

/** YAML turns an unquoted `exact: 1` or `exact: y` into a number or a boolean, which the schema does not take. */
function matchRefusals(rule: Fields, field: string, refuse: Refuse): void {
  records(rule.match).forEach((match, index) => {
    const place = `${field}.match[${index}]`;
    const check = (condition: unknown, path: string): void => {
      for (const kind of ['exact', 'prefix', 'regex']) {
        const value = record(condition)[kind];
        if (value !== undefined && typeof value !== 'string') {
          refuse(`${place}.${path}.${kind}`, `found ${JSON.stringify(value)}, allowed is a string; quote it`);
        }
      }
    };
    for (const key of ['uri', 'method', 'scheme', 'authority']) check(match[key], key);
    for (const key of ['headers', 'withoutHeaders', 'queryParams']) {
      for (const [name, condition] of Object.entries(record(match[key]))) check(condition, `${key}.${name}`);
    }
  });
}

function percentRefusal(percentage: unknown, field: string, refuse: Refuse): void {
  const value = number(record(percentage).value);
  if (value !== undefined && (value < 0 || value > 100))
    refuse(`${field}.value`, `found ${value}, allowed is 0 to 100`);
}

function retryRefusals(rule: Fields, field: string, refuse: Refuse): void {
  if (!isRecord(rule.retries)) return;
  const attempts = number(rule.retries.attempts) ?? 0;
  const words = (text(rule.retries.retryOn) ?? '').split(',').map((word) => word.trim());
  const written = words.filter((word) => word !== '');
  if (attempts < 0) refuse(`${field}.retries.attempts`, `found ${attempts}, allowed is 0 or more`);
  if (attempts === 0 && (written.length > 0 || rule.retries.perTryTimeout !== undefined)) {
    refuse(`${field}.retries`, 'attempts is 0 and a retry policy is set');
  }
  for (const word of written) {
    const status = /^\d+$/.test(word) ? Number(word) : undefined;
    if (status === undefined ? !RETRY_WORDS.has(word) : status < 100 || status > 599) {
      refuse(`${field}.retries.retryOn`, `\`${word}\` is no retry condition and no status code`);
    }
  }
}
