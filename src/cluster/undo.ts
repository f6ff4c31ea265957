import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../base/clock.js';
import { EnvironmentError, errorText } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { ApiError, type ClusterClient, type ObjectKey } from './client.js';
import { withoutVolatile } from './objects.js';
import { Patience } from './patience.js';

/** The inverse of one change: put `before` back, or delete the object when there was none. */
export interface UndoEntry {
  readonly key: ObjectKey;
  readonly before: KubeObject | null;
}

/** What a run has to put back, and where. */
export interface UndoRecord {
  readonly runId: string;
  readonly namespace: string;
  /** Address of the API server, so that a restore never runs against another cluster. */
  readonly server: string;
  /** In the order of the changes. */
  readonly entries: readonly UndoEntry[];
}

export interface RestoredObject {
  readonly object: string;
  readonly result: 'restored' | 'deleted' | 'recreated' | 'failed';
  /** Why it failed, or what is different from before; empty when nothing is. */
  readonly note: string;
}

/** The API server takes no larger ConfigMap. */
const MAX_CONFIG_MAP_BYTES = 2 ** 20;

/** The ConfigMap of the scenario's namespace that holds a copy of the list, so that another machine can undo. */
export const UNDO_CONFIG_MAP = 'weighbridge-undo';

const configMapKey = (namespace: string): ObjectKey => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  name: UNDO_CONFIG_MAP,
});

/**
 * The write-ahead list of a run: `record` returns only after the inverse is on disk and in the cluster, so a change made afterwards can
 * be undone whatever happens to this process. Only the first change of an object is kept: undo goes back to before the run.
 */
export class UndoList {
  private readonly entries: UndoEntry[] = [];
  private readonly file: string;
  private readonly client: ClusterClient;
  private readonly record0: Omit<UndoRecord, 'entries'>;

  constructor(client: ClusterClient, file: string, runId: string, namespace: string) {
    this.client = client;
    this.file = file;
    this.record0 = { runId, namespace, server: client.server };
  }

  get size(): number {
    return this.entries.length;
  }

  /** @throws EnvironmentError when the list cannot be kept; then the change must not be made. */
  async record(key: ObjectKey, before: KubeObject | undefined): Promise<void> {
    if (this.entries.some((entry) => isDeepStrictEqual(entry.key, key))) return;
    const entry: UndoEntry = { key, before: before ? withoutVolatile(before) : null };
    const text = JSON.stringify({ ...this.record0, entries: [...this.entries, entry] });
    checkSize(text, key, entry);
    const head = this.entries.length === 0 ? `${JSON.stringify(this.record0)}\n` : '';
    appendSynced(this.file, `${head}${JSON.stringify(entry)}\n`);
    // From here on the list on disk has to be marked as undone, even when the change itself is never made.
    this.entries.push(entry);
    await this.saveInCluster(text);
  }

  private async saveInCluster(text: string): Promise<void> {
    const { namespace } = this.record0;
    const key = configMapKey(namespace);
    const content: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: key.name, namespace, labels: { 'app.kubernetes.io/managed-by': 'weighbridge' } },
      data: { undo: text },
    };
    try {
      const live = await this.client.get(key);
      if (live) await this.client.replace({ ...content, metadata: { ...live.metadata, ...content.metadata } });
      else await this.client.create(content);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new EnvironmentError(
        'E_UNDO',
        `cannot write the list of changes to ConfigMap ${namespace}/${key.name}: ${error.message}`,
        'without it nothing is changed; the credentials need to get, create, update and delete ConfigMaps there',
      );
    }
  }

  /**
   * Puts everything back, the last change first, and forgets the list when nothing failed. Where another run has taken over since, it
   * has undone this one's changes before it made its own: those are left alone. Never throws.
   */
  async undo(): Promise<RestoredObject[]> {
    const record = { ...this.record0, entries: this.entries };
    const patience = new Patience({ clock: systemClock });
    try {
      const inCluster = await patience.with(() => readUndoFromCluster(this.client, record.namespace));
      if (inCluster && inCluster.runId !== record.runId) {
        markUndone(this.file);
        return [];
      }
    } catch {
      // Undoing it will tell what is wrong with the cluster.
    }
    return undoRecord(this.client, record, this.file, patience);
  }

  /** Leaves the changes in place (`--keep`) and forgets the list. */
  async forget(): Promise<void> {
    await forgetRecord(this.client, this.record0.namespace, this.file);
  }
}

function checkSize(text: string, key: ObjectKey, entry: UndoEntry): void {
  const bytes = Buffer.byteLength(text) + 'undo'.length;
  if (bytes <= MAX_CONFIG_MAP_BYTES) return;
  throw new EnvironmentError(
    'E_UNDO',
    `the list of changes would have ${bytes} bytes with ${nameOf(key)} (${Buffer.byteLength(JSON.stringify(entry))} bytes), and a ConfigMap takes ${MAX_CONFIG_MAP_BYTES}`,
    'nothing of this object was changed; apply it before the run and leave it out of the stages',
  );
}

const nameOf = ({ kind, namespace, name }: ObjectKey): string =>
  objectRef({ kind, metadata: { name, ...(namespace ? { namespace } : {}) } });

/**
 * Undoes a list. @param file its copy on disk, marked as done; undefined when only the cluster's copy is known.
 * An object that failed keeps the list in place, so that it can be tried again.
 */
export async function undoRecord(
  client: ClusterClient,
  record: UndoRecord,
  file?: string,
  patience = new Patience({ clock: systemClock }),
): Promise<RestoredObject[]> {
  const results: RestoredObject[] = [];
  for (const entry of [...record.entries].reverse()) {
    try {
      results.push(await patience.with(() => undoOne(client, entry)));
    } catch (error) {
      results.push({ object: nameOf(entry.key), result: 'failed', note: errorText(error) });
    }
  }
  if (results.every((result) => result.result !== 'failed')) {
    try {
      await patience.with(() => forgetRecord(client, record.namespace, file));
    } catch (error) {
      results.push({
        object: `ConfigMap/${record.namespace}/${UNDO_CONFIG_MAP}`,
        result: 'failed',
        note: errorText(error),
      });
    }
  }
  return results;
}

async function undoOne(client: ClusterClient, { key, before }: UndoEntry): Promise<RestoredObject> {
  const object = nameOf(key);
  if (!before) {
    await client.remove(key);
    return { object, result: 'deleted', note: '' };
  }
  const content = withoutVolatile(before);
  for (let attempt = 1; ; attempt++) {
    try {
      return { object, ...(await putBack(client, key, content)) };
    } catch (error) {
      // Somebody wrote in between (a controller's status, say): read again.
      if (!(error instanceof ApiError && error.status === 409 && attempt < 5)) throw error;
    }
  }
}

async function putBack(
  client: ClusterClient,
  key: ObjectKey,
  content: KubeObject,
): Promise<Pick<RestoredObject, 'result' | 'note'>> {
  const live = await client.get(key);
  if (!live) {
    await client.create(content);
    const aged = key.kind === 'VirtualService' || key.kind === 'DestinationRule';
    const note = aged ? 'it is younger than before: among several for one host, age decides which one applies' : '';
    return { result: 'recreated', note };
  }
  if (live.metadata.deletionTimestamp) throw new Error('it is still being deleted; restore again when it is gone');
  const { resourceVersion } = live.metadata;
  const put = await client.replace({
    ...content,
    metadata: { ...content.metadata, ...(resourceVersion ? { resourceVersion } : {}) },
  });
  const same = isDeepStrictEqual(withoutVolatile(put), content);
  return { result: 'restored', note: same ? '' : 'the server keeps fields that it did not have before' };
}

async function forgetRecord(client: ClusterClient, namespace: string, file: string | undefined): Promise<void> {
  await client.remove(configMapKey(namespace));
  if (file) markUndone(file);
}

/** A new name rather than a new line: it needs no room on a full disk, and cannot be half done. */
function markUndone(file: string): void {
  if (existsSync(file)) renameSync(file, `${file}.done`);
}

/** The list that an interrupted run left in the namespace, or undefined. @throws EnvironmentError when it is none */
export async function readUndoFromCluster(client: ClusterClient, namespace: string): Promise<UndoRecord | undefined> {
  const map = await client.get(configMapKey(namespace));
  const text = (map?.data as Record<string, string> | undefined)?.undo;
  if (!text) return undefined;
  try {
    return JSON.parse(text) as UndoRecord;
  } catch (error) {
    throw new EnvironmentError(
      'E_UNDO',
      `ConfigMap ${namespace}/${UNDO_CONFIG_MAP} is no list of changes: ${errorText(error)}`,
      'put the objects of the namespace back by hand, then delete the ConfigMap',
    );
  }
}

/** The list on disk of a run, or undefined when there is none or it is already undone. */
export function readUndoFromDisk(file: string): UndoRecord | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const parsed: unknown[] = [];
  for (const [index, line] of lines.entries()) {
    try {
      parsed.push(JSON.parse(line));
    } catch (error) {
      // A torn last line belongs to a change that was never made.
      if (index < lines.length - 1)
        throw new EnvironmentError(
          'E_UNDO',
          `${file}:${index + 1} is no JSON: ${errorText(error)}`,
          'use the copy in the cluster: remove this file and run `weighbridge restore`',
        );
    }
  }
  const [head, ...rest] = parsed;
  if (!head || rest.length === 0) return undefined;
  return { ...(head as Omit<UndoRecord, 'entries'>), entries: rest as UndoEntry[] };
}

function appendSynced(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const fd = openSync(file, 'a', 0o600);
    try {
      // A nearly full disk takes only a part; the rest then fails with the reason.
      for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new EnvironmentError(
      'E_UNDO',
      `cannot write ${file}: ${errorText(error)}`,
      'without the list of changes nothing is changed; make the reports folder writable or give another with --reports',
    );
  }
}
