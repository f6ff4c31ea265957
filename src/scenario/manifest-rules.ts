import type { KubeObject } from '../base/kubernetes.js';
import { kindsOfGroup, WORKLOAD_KINDS } from './kinds.js';
import { didYouMean, show } from './nearest.js';
import type { Path } from './yaml-text.js';

export type Report = (field: Path, message: string, hint?: string, what?: 'key' | 'value') => void;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
/** Role names and the like may hold colons. */
const PATH_SEGMENT_NAME = /^(?!\.{1,2}$)[^/%]{1,253}$/;

/** apiVersion, kind and metadata.name: without them nothing else can be said about an object. */
export function checkIdentity(value: unknown, report: Report): value is KubeObject {
  if (!isRecord(value)) {
    report([], `found ${show(value)}; allowed is an object with apiVersion, kind and metadata.name`);
    return false;
  }
  const { apiVersion, kind, metadata } = value;
  let good = true;
  const bad = (...args: Parameters<Report>) => {
    report(...args);
    good = false;
  };
  if (typeof apiVersion !== 'string' || !/^([a-z0-9.-]+\/)?v[a-z0-9]+$/.test(apiVersion)) {
    bad(
      ['apiVersion'],
      `${apiVersion === undefined ? 'is missing' : `found ${show(apiVersion)}`}; needed is one such as v1 or apps/v1`,
    );
  }
  if (typeof kind !== 'string' || !/^[A-Z][A-Za-z0-9]*$/.test(kind)) {
    bad(['kind'], `${kind === undefined ? 'is missing' : `found ${show(kind)}`}; needed is one such as Deployment`);
  } else if (typeof apiVersion === 'string') {
    const kinds = kindsOfGroup(apiVersion);
    if (kinds && !kinds.includes(kind) && kind !== 'List') {
      bad(
        ['kind'],
        `${apiVersion} has no kind ${show(kind)}`,
        didYouMean(kind, kinds) ?? `it has ${[...kinds].sort().join(', ')}`,
      );
    }
  }
  if (!isRecord(metadata) || metadata.name === undefined) {
    bad(
      ['metadata', 'name'],
      isRecord(metadata) && metadata.generateName !== undefined
        ? 'is missing; an object that gets a generated name cannot be applied twice'
        : 'is missing; every object needs a name',
    );
    return false;
  }
  const pattern = String(apiVersion).startsWith('rbac.') ? PATH_SEGMENT_NAME : NAME;
  if (typeof metadata.name !== 'string' || !pattern.test(metadata.name)) {
    bad(['metadata', 'name'], `found ${show(metadata.name)}; allowed are lower-case letters, digits, "-" and "."`);
  }
  if (
    metadata.namespace !== undefined &&
    (typeof metadata.namespace !== 'string' || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(metadata.namespace))
  ) {
    bad(['metadata', 'namespace'], `found ${show(metadata.namespace)}; allowed are lower-case letters, digits and "-"`);
  }
  return good;
}

/** What a cluster would refuse or, worse, read otherwise than it is written. `source` gives a scalar as it stands in the file. */
export function checkManifest(object: KubeObject, report: Report, source: (field: Path) => string | undefined): void {
  const strings = (field: Path) => checkStrings(object, field, report, source);
  strings(['metadata', 'labels']);
  strings(['metadata', 'annotations']);
  if ((WORKLOAD_KINDS as readonly string[]).includes(object.kind)) {
    strings(['spec', 'selector', 'matchLabels']);
    strings(['spec', 'template', 'metadata', 'labels']);
    strings(['spec', 'template', 'metadata', 'annotations']);
  }
  if (object.kind === 'Service') strings(['spec', 'selector']);
  if (object.kind === 'DestinationRule') {
    for (const [index] of list(object.spec?.subsets).entries()) strings(['spec', 'subsets', index, 'labels']);
  }
  if (object.kind === 'VirtualService') checkVirtualService(object, report);
  if (object.kind === 'HTTPRoute' || object.kind === 'GRPCRoute') {
    for (const [r, rule] of list(object.spec?.rules).entries()) {
      for (const [b, backend] of list(rule.backendRefs).entries()) {
        checkWeight(backend, ['spec', 'rules', r, 'backendRefs', b], 1_000_000, report);
      }
    }
  }
}

const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.map((entry) => (isRecord(entry) ? entry : {})) : [];

function at(object: unknown, field: Path): unknown {
  return field.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined,
    object,
  );
}

function checkStrings(
  object: KubeObject,
  field: Path,
  report: Report,
  source: (field: Path) => string | undefined,
): void {
  const map = at(object, field);
  if (!isRecord(map)) return;
  for (const [key, value] of Object.entries(map)) {
    if (typeof value === 'string') continue;
    const written = source([...field, key]) ?? show(value);
    report(
      [...field, key],
      `found ${show(value)}, which YAML does not read as text; allowed are strings`,
      `write ${key}: "${written}"`,
    );
  }
}

function checkVirtualService(object: KubeObject, report: Report): void {
  for (const protocol of ['http', 'tls', 'tcp']) {
    for (const [r, rule] of list(object.spec?.[protocol]).entries()) {
      const field: Path = ['spec', protocol, r];
      const routes = list(rule.route);
      for (const [d, destination] of routes.entries()) {
        const here: Path = [...field, 'route', d];
        checkWeight(destination, here, 2 ** 31 - 1, report);
        for (const key of Object.keys(destination)) {
          const allowed = ['destination', 'weight', 'headers'];
          if (allowed.includes(key)) continue;
          report(
            [...here, key],
            `unknown key ${show(key)}; allowed are ${allowed.join(', ')}`,
            didYouMean(key, allowed),
            'key',
          );
        }
      }
      if (routes.length > 1 && routes.every((route) => (route.weight ?? 0) === 0)) {
        report(
          [...field, 'route'],
          'total destination weight = 0; several destinations need weights',
          'write weights that sum to 100',
        );
      }
      checkPercentage(rule.mirrorPercentage, [...field, 'mirrorPercentage', 'value'], report);
      for (const [m, mirror] of list(rule.mirrors).entries()) {
        checkPercentage(mirror.percentage, [...field, 'mirrors', m, 'percentage', 'value'], report);
      }
    }
  }
}

function checkWeight(destination: Record<string, unknown>, field: Path, max: number, report: Report): void {
  const { weight } = destination;
  if (weight === undefined) return;
  if (typeof weight === 'number' && Number.isInteger(weight) && weight >= 0 && weight <= max) return;
  report([...field, 'weight'], `found ${show(weight)}; allowed is an integer from 0 to ${max}`);
}

function checkPercentage(percentage: unknown, field: Path, report: Report): void {
  const value = isRecord(percentage) ? percentage.value : undefined;
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= 100)) return;
  report(field, `found ${show(value)}; allowed is a number from 0 to 100`);
}
