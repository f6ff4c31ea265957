import { isAddress } from '../base/addresses.js';
import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { type Fields, isRecord, list, number, record, records, text, texts } from './read.js';
import {
  type Refuse,
  refuseDestination,
  refuseExportTo,
  refuseOverlaps,
  refuseRegex,
  refuseStringMatch,
  refuseWeights,
} from './refusals.js';
import { hostMatches } from './services.js';

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

/** Registered HTTP status codes, as Go knows them: from each first to each last. */
const STATUSES = [
  [100, 103],
  [200, 208],
  [226, 226],
  [300, 305],
  [307, 308],
  [400, 418],
  [421, 426],
  [428, 429],
  [431, 431],
  [451, 451],
  [500, 508],
  [510, 511],
] as const;

const isStatus = (code: number): boolean => STATUSES.some(([first, last]) => code >= first && code <= last);

export function refuseVirtualService({ metadata, spec = {} }: KubeObject, refuse: Refuse): void {
  const gateways = list(spec.gateways);
  const hosts = texts(spec.hosts);
  const onlyMesh = gateways.every((gateway) => gateway === 'mesh');
  if (onlyMesh && hosts.includes('*')) refuse('spec.hosts', 'the host `*` needs a gateway, sidecars do not take it');
  else refuseOverlaps(hosts, refuse);
  refuseExportTo(spec.exportTo, namespaceOf({ metadata }), refuse);
  if (hosts.length === 0) {
    for (const key of ['gateways', 'tcp', 'tls']) {
      if (list(spec[key]).length > 0) refuse(`spec.${key}`, `a delegate, which has no hosts, must have no ${key}`);
    }
  }
  if (['http', 'tcp', 'tls'].every((key) => list(spec[key]).length === 0)) {
    refuse('spec', 'http, tcp or tls must be provided in virtual service');
  }
  records(spec.http).forEach((rule, index) => {
    const field = `spec.http[${index}]`;
    if (hosts.length === 0 && isRecord(rule.delegate))
      refuse(`${field}.delegate`, 'delegate HTTP route cannot contain delegate');
    refuseHttpRule(rule, field, refuse);
  });
  for (const protocol of ['tcp', 'tls']) {
    records(spec[protocol]).forEach((rule, index) => {
      const field = `spec.${protocol}[${index}]`;
      refuseWeights(rule, field, refuse);
      if (records(rule.route).length === 0) refuse(`${field}.route`, `a ${protocol} rule needs a route`);
      if (protocol === 'tls') refuseServerNames(rule, field, hosts, refuse);
    });
  }
}

function refuseServerNames(rule: Fields, field: string, hosts: readonly string[], refuse: Refuse): void {
  const matches = records(rule.match);
  if (matches.length === 0) refuse(`${field}.match`, 'a tls rule needs at least one match');
  matches.forEach((match, index) => {
    const place = `${field}.match[${index}].sniHosts`;
    const names = texts(match.sniHosts);
    if (names.length === 0) refuse(place, 'a match needs at least one server name');
    names.forEach((name, position) => {
      const within = hosts.some((host) => hostMatches(host, name) && (host.startsWith('*') || host === name));
      if (within || isAddress(name)) return;
      refuse(
        `${place}[${position}]`,
        `SNI host ${name} is none of the hosts as they are written (${hosts.join(', ')})`,
      );
    });
  });
}

function refuseHttpRule(rule: Fields, field: string, refuse: Refuse): void {
  refuseTogether(rule, field, refuse);
  refuseWeights(rule, field, refuse);
  refuseMatches(rule, field, refuse);
  refuseFault(rule.fault, `${field}.fault`, refuse);
  refuseMirrors(rule, field, refuse);
  refuseRedirect(rule.redirect, `${field}.redirect`, refuse);
  refuseRewrite(rule.rewrite, `${field}.rewrite`, refuse);
  refuseRetries(rule.retries, `${field}.retries`, refuse);
}

/** What a rule must have one of, and what excludes each other. */
function refuseTogether(rule: Fields, field: string, refuse: Refuse): void {
  const has = (key: string): boolean => (key === 'route' ? records(rule.route).length > 0 : isRecord(rule[key]));
  if (has('delegate')) {
    for (const key of ['redirect', 'route']) {
      if (has(key)) refuse(field, `a rule with a delegate must not have ${key}`);
    }
    return;
  }
  const action = ['redirect', 'directResponse'].find(has);
  if (!action && !has('route')) refuse(field, 'HTTP route, redirect or direct_response is required');
  for (const key of ['route', 'fault', 'rewrite', 'directResponse']) {
    if (action && action !== key && has(key)) refuse(field, `a rule has either ${key} or ${action}`);
  }
  if (has('mirror') && records(rule.mirrors).length > 0) refuse(field, 'a rule has either mirror or mirrors');
}

function refuseMatches(rule: Fields, field: string, refuse: Refuse): void {
  records(rule.match).forEach((match, index) => {
    const place = `${field}.match[${index}]`;
    for (const key of ['uri', 'method', 'scheme', 'authority'])
      refuseStringMatch(match[key], `${place}.${key}`, refuse);
    for (const key of ['headers', 'withoutHeaders', 'queryParams']) {
      for (const [name, condition] of Object.entries(record(match[key]))) {
        refuseStringMatch(condition, `${place}.${key}.${name}`, refuse, key === 'withoutHeaders');
      }
    }
  });
}

function refuseFault(value: unknown, field: string, refuse: Refuse): void {
  if (!isRecord(value)) return;
  const { delay, abort } = value;
  if (!isRecord(delay) && !isRecord(abort)) refuse(field, 'a fault needs delay or abort');
  refusePercentage(record(delay).percentage, `${field}.delay.percentage`, refuse);
  refusePercentage(record(abort).percentage, `${field}.abort.percentage`, refuse);
  const status = number(record(abort).httpStatus);
  // 600 passes here, and only Envoy refuses it.
  if (status !== undefined && (status < 200 || status > 600)) {
    refuse(`${field}.abort.httpStatus`, `HTTP status ${status} is not in range 200-599`);
  }
}

function refuseMirrors(rule: Fields, field: string, refuse: Refuse): void {
  refuseDestination(rule.mirror, `${field}.mirror`, refuse);
  refusePercentage(rule.mirrorPercentage, `${field}.mirrorPercentage`, refuse);
  const percent = number(rule.mirrorPercent);
  if (percent !== undefined && percent > 100) refuse(`${field}.mirrorPercent`, `found ${percent}, allowed is 0 to 100`);
  records(rule.mirrors).forEach((entry, index) => {
    refuseDestination(entry.destination, `${field}.mirrors[${index}].destination`, refuse);
    refusePercentage(entry.percentage, `${field}.mirrors[${index}].percentage`, refuse);
  });
}

function refusePercentage(percentage: unknown, field: string, refuse: Refuse): void {
  const value = number(record(percentage).value);
  if (value !== undefined && (value < 0 || value > 100))
    refuse(`${field}.value`, `found ${value}, allowed is 0 to 100`);
}

function refuseRedirect(value: unknown, field: string, refuse: Refuse): void {
  if (!isRecord(value)) return;
  const { uri, authority, scheme, port, derivePort, redirectCode } = value;
  if (!uri && !authority && !scheme && port === undefined && derivePort === undefined) {
    refuse(field, 'redirect must specify URI, authority, scheme, or port');
  }
  const code = number(redirectCode) ?? 0;
  if (code !== 0 && (code < 300 || code > 399)) refuse(`${field}.redirectCode`, `found ${code}, allowed is 3xx`);
  if (scheme && scheme !== 'http' && scheme !== 'https') refuse(`${field}.scheme`, 'allowed are http and https');
}

function refuseRewrite(value: unknown, field: string, refuse: Refuse): void {
  if (!isRecord(value)) return;
  const regex = value.uriRegexRewrite;
  if (value.uri && isRecord(regex)) refuse(field, 'a rewrite has either uri or uriRegexRewrite');
  if (!value.uri && !isRecord(regex) && !value.authority)
    refuse(field, 'a rewrite needs uri, uriRegexRewrite or authority');
  if (!isRecord(regex)) return;
  const pattern = text(regex.match);
  if (!pattern || !text(regex.rewrite)) refuse(`${field}.uriRegexRewrite`, 'needed are match and rewrite');
  else refuseRegex(pattern, `${field}.uriRegexRewrite.match`, refuse);
}

function refuseRetries(value: unknown, field: string, refuse: Refuse): void {
  if (!isRecord(value)) return;
  const attempts = number(value.attempts) ?? 0;
  const retryOn = text(value.retryOn) ?? '';
  if (attempts < 0) refuse(`${field}.attempts`, `found ${attempts}, allowed is 0 or more`);
  if (attempts === 0 && (retryOn !== '' || value.perTryTimeout !== undefined || value.retryRemoteLocalities != null)) {
    refuse(field, 'attempts is 0 and a retry policy is set');
  }
  // Blanks beside the comma belong to the word, which is then unknown.
  for (const word of retryOn === '' ? [] : retryOn.split(',')) {
    const known = /^[+-]?\d+$/.test(word) ? isStatus(Number(word)) : RETRY_WORDS.has(word);
    if (!known) refuse(`${field}.retryOn`, `\`${word}\` is not a valid retryOn policy`);
  }
}
