import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { gatewayRef } from './matches.js';
import type { Lookups } from './memo.js';
import { type Fields, isRecord, labels, record, records, text, texts } from './read.js';
import { exportedTo } from './services.js';
import type { Rule } from './virtualServiceRoutes.js';

/** Fields that a delegate's rule takes from the root's rule where it says nothing itself. */
const INHERITED = ['rewrite', 'timeout', 'retries', 'fault', 'mirror', 'mirrorPercentage', 'mirrors', 'headers'];

export interface DroppedDelegate {
  readonly rule: Rule;
  readonly reason: string;
}

/**
 * Replaces every rule that delegates by the delegate's rules with both conditions joined. A delegate that is missing, hidden from the
 * root's namespace, has hosts, or contradicts the root's match yields nothing: the next rules apply.
 */
export function withDelegates(
  rules: readonly Rule[],
  virtualServices: Lookups,
  dropped: (drop: DroppedDelegate) => void,
): Rule[] {
  return rules.flatMap((rule) => {
    if (!isRecord(rule.fields.delegate)) return [rule];
    const namespace = text(rule.fields.delegate.namespace) || namespaceOf(rule.object);
    const name = text(rule.fields.delegate.name) ?? '';
    const target = virtualServices.get(`${namespace}/${name}`) as KubeObject | undefined;
    const reason = refusal(target, rule.object, `${namespace}/${name}`);
    if (reason || !target) {
      dropped({ rule, reason: reason ?? '' });
      return [];
    }
    const joined = records(target.spec?.http).flatMap((fields, index): Rule[] => {
      const merged = joinRule(rule, fields, namespaceOf(target));
      return merged ? [{ fields: merged, object: target, field: `spec.http[${index}]` }] : [];
    });
    if (joined.length === 0) dropped({ rule, reason: `no rule of ${namespace}/${name} fits the match of this rule` });
    return joined;
  });
}

function refusal(target: KubeObject | undefined, root: KubeObject, name: string): string | undefined {
  if (!target) return `there is no VirtualService ${name}`;
  if (texts(target.spec?.hosts).length > 0) return `${name} has hosts, a delegate must have none`;
  const visible = exportedTo(texts(target.spec?.exportTo), namespaceOf(target), namespaceOf(root));
  return visible ? undefined : `${name} is not exported to namespace ${namespaceOf(root)}`;
}

function joinRule(root: Rule, delegate: Fields, delegateNamespace: string): Fields | undefined {
  const matches = joinMatches(
    records(root.fields.match),
    records(delegate.match),
    namespaceOf(root.object),
    delegateNamespace,
  );
  if (!matches) return undefined;
  const inherited = Object.fromEntries(
    INHERITED.filter((key) => delegate[key] === undefined && root.fields[key] !== undefined).map((key) => [
      key,
      root.fields[key],
    ]),
  );
  const { match: _own, ...rest } = delegate;
  const name = [text(root.fields.name), text(delegate.name)].filter((part) => part).join('-');
  return { ...inherited, ...rest, ...(name ? { name } : {}), ...(matches.length > 0 ? { match: matches } : {}) };
}

/** The delegate's entries in order, each narrowed by every entry of the root that allows it; undefined when one is allowed by none. */
function joinMatches(
  roots: readonly Fields[],
  leaves: readonly Fields[],
  rootNamespace: string,
  leafNamespace: string,
): Fields[] | undefined {
  const anchor = (match: Fields, namespace: string): Fields => {
    const gateways = texts(match.gateways);
    return gateways.length === 0 ? match : { ...match, gateways: gateways.map((name) => gatewayRef(name, namespace)) };
  };
  const rootMatches = roots.map((match) => anchor(match, rootNamespace));
  const leafMatches = leaves.map((match) => anchor(match, leafNamespace));
  if (leafMatches.length === 0) return rootMatches;
  if (rootMatches.length === 0) return leafMatches;
  const joined: Fields[] = [];
  for (const leaf of leafMatches) {
    const allowing = rootMatches.filter((root) => !contradicts(root, leaf));
    if (allowing.length === 0) return undefined;
    joined.push(...allowing.map((root) => joinMatch(root, leaf)));
  }
  return joined;
}

const MAPS = ['headers', 'withoutHeaders', 'queryParams', 'sourceLabels'];

function joinMatch(root: Fields, leaf: Fields): Fields {
  const joined: Record<string, unknown> = { ...root, ...leaf };
  for (const key of MAPS) {
    const both = { ...record(root[key]), ...record(leaf[key]) };
    if (Object.keys(both).length > 0) joined[key] = both;
  }
  return joined;
}

/** Istio accepts a delegate's condition only where it narrows the root's. */
function contradicts(root: Fields, leaf: Fields): boolean {
  for (const key of ['uri', 'scheme', 'method', 'authority']) if (stringsContradict(root[key], leaf[key])) return true;
  for (const key of ['headers', 'withoutHeaders', 'queryParams']) {
    const [outer, inner] = [record(root[key]), record(leaf[key])];
    if (Object.keys(inner).some((name) => stringsContradict(outer[name], inner[name]))) return true;
  }
  if ((root.ignoreUriCase === true) !== (leaf.ignoreUriCase === true)) return true;
  if (root.port && leaf.port && root.port !== leaf.port) return true;
  if (root.sourceNamespace && leaf.sourceNamespace !== root.sourceNamespace) return true;
  const outer = labels(root.sourceLabels);
  const inner = labels(leaf.sourceLabels);
  if (Object.entries(inner).some(([key, value]) => (outer[key] ?? value) !== value)) return true;
  const [allowed, wanted] = [texts(root.gateways), texts(leaf.gateways)];
  return allowed.length > 0 && !wanted.every((name) => allowed.includes(name));
}

function stringsContradict(root: unknown, leaf: unknown): boolean {
  if (!isRecord(root) || !isRecord(leaf)) return false;
  const [outer, inner] = [form(root), form(leaf)];
  if (outer.kind === 'regex' || inner.kind === 'regex') return true;
  if (outer.kind === 'exact') return inner.kind !== 'exact' || inner.value !== outer.value;
  if (outer.kind === 'prefix') return inner.kind === '' || !inner.value.startsWith(outer.value);
  return true;
}

function form(condition: Fields): { kind: string; value: string } {
  for (const kind of ['exact', 'prefix', 'regex']) {
    const value = text(condition[kind]);
    if (value) return { kind, value };
  }
  return { kind: '', value: '' };
}
