import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../../base/kubernetes.js';
import type { StoreEvent } from '../control/store.js';
import { columnsOf } from './columns.js';
import { type ApiContext, type ApiRequest, definitionOf, inVersion } from './context.js';
import { versionOf } from './eventlog.js';
import { selectorOf } from './read.js';
import { badRequest, expired, invalid } from './status.js';
import { asPartial, asTable, representation } from './tables.js';

const DEFAULT_TIMEOUT_SECONDS = 1800;
const BOOKMARK_EVERY_MS = 60_000;
/** A client that reads slower than this is cut off; it resumes from its last resourceVersion. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

type EventType = StoreEvent['type'];

/** What one stored change is to a watch with selectors: entering the selection is ADDED, leaving it DELETED. */
function seenAs(event: StoreEvent, matches: (object: KubeObject) => boolean): EventType | undefined {
  const now = event.type !== 'DELETED' && matches(event.object);
  const was = event.previous !== undefined && matches(event.previous);
  if (now) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : undefined;
}

function timeoutMs(request: ApiRequest): number {
  const text = request.query.get('timeoutSeconds');
  if (!text) return DEFAULT_TIMEOUT_SECONDS * 1000;
  if (!/^\d{1,9}$/.test(text)) throw badRequest(`timeoutSeconds: ${JSON.stringify(text)} is no number of seconds`);
  // 0 means no wish; timers overflow above 2^31 ms.
  return Math.min((Number(text) || DEFAULT_TIMEOUT_SECONDS) * 1000, 2 ** 31 - 1);
}

/** Where to start: the whole present state, or after a version; `expired` when that is not held any more. */
function startOf(context: ApiContext, request: ApiRequest): number | 'present' | 'expired' {
  const asked = request.query.get('resourceVersion') ?? '';
  if (asked === '' || asked === '0') return 'present';
  const version = Number(asked);
  if (!/^\d+$/.test(asked))
    throw badRequest(`Invalid value: ${JSON.stringify(asked)}: strconv.ParseUint: parsing: invalid syntax`);
  // A version of the future comes from an earlier life of this server: only a new list helps that client.
  return version < context.log.oldest || version > context.store.resourceVersion ? 'expired' : version;
}

/**
 * Answers a watch: one JSON event a line, headers at once (kubectl waits for them), bookmarks where allowed, closed after
 * `timeoutSeconds`. A resourceVersion that is too old gets the event ERROR with a 410 `Status`, as from the watch cache.
 * @returns ends the watch.
 * @throws ApiStatusError 422 for `sendInitialEvents`, which makes clients fall back to list and watch.
 */
export function watch(context: ApiContext, request: ApiRequest, response: ServerResponse): () => void {
  if (request.query.has('sendInitialEvents')) {
    const message = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
    throw invalid('meta.k8s.io', 'ListOptions', '', [{ type: 'Forbidden', field: 'sendInitialEvents', message }]);
  }
  const selects = selectorOf(request);
  const { entry, namespace, name } = request;
  const matches = (object: KubeObject): boolean =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    selects(object);
  const lifetime = timeoutMs(request);
  const start = startOf(context, request);
  const shape = representation(request.accept);
  const columns = columnsOf(entry, definitionOf(context, request));
  let first = true;
  const shown = (object: KubeObject): Record<string, unknown> => {
    const visible = inVersion(request, object);
    if (shape === 'PartialObjectMetadata') return asPartial(visible);
    if (shape !== 'Table') return visible;
    const headless = !first;
    first = false;
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
    return asTable(columns, [visible], {
      now: context.now(),
      metadata,
      include: request.query.get('includeObject'),
      headless,
    });
  };

  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
  const send = (type: string, object: Record<string, unknown>): void => {
    if (response.writableEnded || response.destroyed) return;
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  };
  const deliver = (event: StoreEvent): void => {
    if (event.resource !== entry.resource) return;
    const type = seenAs(event, matches);
    if (!type) return;
    // An object that left the selection is shown as it was last selected, under the version that took it out.
    const left = type === 'DELETED' && event.type !== 'DELETED' ? event.previous : undefined;
    const { resourceVersion } = event.object.metadata;
    const object =
      left && resourceVersion ? { ...left, metadata: { ...left.metadata, resourceVersion } } : event.object;
    send(type, shown(object));
  };
  if (start === 'expired') {
    send('ERROR', expired(request.query.get('resourceVersion') ?? '', context.log.oldest).toStatus());
    response.end();
    return () => {};
  }
  let sent = context.store.resourceVersion;
  if (start === 'present') {
    for (const object of context.store.list(entry.resource, namespace))
      if (matches(object)) send('ADDED', shown(object));
  } else {
    for (const event of context.log.since(start) ?? []) deliver(event);
  }
  const unfollow = context.log.follow((event) => {
    // Events that the store still had to deliver when the watch began are in the present state already.
    if (versionOf(event) <= sent) return;
    sent = versionOf(event);
    deliver(event);
  });
  const bookmark = (): void => {
    if (request.query.get('allowWatchBookmarks') !== 'true') return;
    const metadata = { resourceVersion: String(sent), creationTimestamp: null };
    send('BOOKMARK', { kind: entry.kind, apiVersion: request.apiVersion, metadata });
  };
  const timer = setTimeout(() => {
    bookmark();
    stop();
  }, lifetime);
  const bookmarks = setInterval(bookmark, BOOKMARK_EVERY_MS);
  const stop = (): void => {
    clearTimeout(timer);
    clearInterval(bookmarks);
    unfollow();
    response.end();
  };
  response.on('close', stop);
  return stop;
}
