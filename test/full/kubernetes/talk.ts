import { expect } from 'vitest';
import type { ApiAnswer, ApiTarget, Json } from '../../support/apiTargets.js';

interface Asking {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /**
   * What of the answer must be equal on both sides: everything (default), the columns and cells of a Table, the fields of an `Invalid`
   * answer with their reasons, only HTTP status and reason, or nothing.
   */
  readonly compare?: 'all' | 'table' | 'causes' | 'status' | false;
}

interface Talk {
  /** @param status the HTTP status that must come back. */
  ask(method: string, path: string, status: number, asking?: Asking): Promise<ApiAnswer>;
  /** Paths of the conversation's own namespace: core, apps/v1, networking.istio.io/v1, gateway.networking.k8s.io/v1. */
  readonly ns: string;
  readonly apps: string;
  readonly istio: string;
  readonly gateway: string;
  /** Creates a custom resource definition and waits until it is served. */
  definition(kind: { plural: string; kind: string; version: object }): Promise<{ group: string; path: string }>;
}

export type Conversation = (talk: Talk) => Promise<void>;

export interface Said {
  readonly asked: string;
  readonly answer: unknown;
}

const VARYING = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'time',
  'continue',
  'selfLink',
]);

const managerOf = ({ manager, operation, subresource }: Json): string => `${manager} ${operation} ${subresource}`;
const byManager = (a: unknown, b: unknown): number => (managerOf(a) < managerOf(b) ? -1 : 1);

/** The answer without what differs from one server, or one moment, to the next. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value === 'string')
    return value
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replace(/^\d+[smh]$/, 'AGE')
      .replace(/^10\.96\.\d+\.\d+$/, 'CLUSTER-IP');
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value as Record<string, unknown>)
    .filter(([, item]) => item !== null && item !== undefined)
    .map(([key, item]) => [key, VARYING.has(key) && typeof item === 'string' ? '*' : settled(item)] as const)
    // Managers of one second come in any order.
    .map(([key, item]) => [key, key === 'managedFields' && Array.isArray(item) ? item.sort(byManager) : item] as const);
  return Object.fromEntries(entries);
}

function seen({ status, body }: ApiAnswer, compare: Asking['compare'] = 'all'): unknown {
  const { reason, details, columnDefinitions, rows } = (typeof body === 'object' ? body : {}) as Json;
  switch (compare) {
    case false:
      return status;
    case 'status':
      return { status, reason };
    case 'causes':
      return {
        status,
        reason,
        causes: (details?.causes ?? []).map(({ reason: why, field }: Json) => `${field} ${why}`).sort(),
      };
    case 'table':
      return settled({
        columns: columnDefinitions.map(({ name, type, priority }: Json) => `${name} ${type} ${priority}`),
        rows: (rows ?? []).map(({ cells, object }: Json) => ({ cells, object: object?.kind })),
      });
    default:
      return { status, body: settled(body) };
  }
}

/** Holds a conversation with one API, in a namespace of its own. @returns what was said, for a comparison. */
export async function converse(api: ApiTarget, namespace: string, conversation: Conversation): Promise<Said[]> {
  const said: Said[] = [];
  const made = await api.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const below = (group: string) => `/apis/${group}/namespaces/${namespace}`;
  await conversation({
    ns: `/api/v1/namespaces/${namespace}`,
    apps: below('apps/v1'),
    istio: below('networking.istio.io/v1'),
    gateway: below('gateway.networking.k8s.io/v1'),
    async ask(method, path, status, { body, headers, compare } = {}) {
      const answer = await api.call(method, path, body, headers);
      const asked = `${method} ${path}`;
      expect(answer.status, `${asked}\n${JSON.stringify(answer.body)}`).toBe(status);
      said.push({ asked: asked.replace(/continue=[^&]+/, 'continue=*'), answer: seen(answer, compare) });
      return answer;
    },
    async definition({ plural, kind, version }) {
      const group = `${namespace}.example.com`;
      const { status, body } = await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.${group}` },
        spec: {
          group,
          scope: 'Namespaced',
          names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
          versions: [{ name: 'v1', served: true, storage: true, ...version }],
        },
      });
      expect(status, JSON.stringify(body)).toBe(201);
      const path = `${below(`${group}/v1`)}/${plural}`;
      await expect.poll(async () => (await api.call('GET', path)).status, { timeout: 10_000 }).toBe(200);
      return { group, path };
    },
  });
  return said;
}
