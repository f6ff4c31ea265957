import { hostname } from 'node:os';
import { type Clock, sleep } from '../base/clock.js';
import { EnvironmentError, errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { ApiError, type ClusterClient, type ObjectKey } from './client.js';

const DURATION_S = 30;
const RENEW_MS = 10_000;

export interface Lease {
  release(): Promise<void>;
}

/**
 * Takes the Lease `weighbridge` of the namespace, so that two runs never change one release at the same time, and renews it until released.
 * A lease whose holder died (it expired, or its process on this machine is gone) is taken over.
 * @param onLost called once, with the reason, when the lease can no longer be trusted: taken by another, deleted, or not renewed in time.
 * @throws EnvironmentError when another run holds it.
 */
export async function takeLease(
  client: ClusterClient,
  namespace: string,
  runId: string,
  clock: Clock,
  onLost: (why: string) => void,
): Promise<Lease> {
  const key: ObjectKey = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'weighbridge' };
  const holder = `${hostname()}/${process.pid}/${runId}`;
  const content = (live: KubeObject | undefined): KubeObject => ({
    apiVersion: key.apiVersion,
    kind: key.kind,
    metadata: live?.metadata ?? { name: key.name, namespace },
    spec: { holderIdentity: holder, leaseDurationSeconds: DURATION_S, renewTime: microTime(clock.wallMs()) },
  });

  const live = await client.get(key).catch(refused);
  const other = live && holderOf(live);
  if (live && other && other !== holder && isAlive(live, other, clock.wallMs())) {
    throw new EnvironmentError(
      'E_LEASE',
      `another run (${other}) is working in namespace ${namespace}`,
      `wait until it ends; if it is gone, its lease expires ${DURATION_S} s after its last sign of life`,
    );
  }
  try {
    if (live) await client.replace(content(live));
    else await client.create(content(undefined));
  } catch (error) {
    if (error instanceof ApiError && error.status === 409)
      throw new EnvironmentError(
        'E_LEASE',
        `another run took namespace ${namespace} at this moment`,
        'wait until it ends',
      );
    refused(error);
  }

  const stopped = new AbortController();
  const renewing = renew();
  return {
    async release() {
      stopped.abort();
      await renewing;
      const now = await client.get(key);
      if (now && holderOf(now) === holder) await client.remove(key);
    },
  };

  async function renew(): Promise<void> {
    const { signal } = stopped;
    let renewedAt = clock.now();
    for (;;) {
      await sleep(clock, RENEW_MS, signal);
      if (signal.aborted) return;
      try {
        const now = await client.get(key);
        if (!now || holderOf(now) !== holder) return onLost(now ? `${holderOf(now)} has taken it` : 'it was deleted');
        const askedAt = clock.now();
        await client.replace(content(now));
        renewedAt = askedAt;
      } catch (error) {
        // The next renewal tries again: the lease outlives two failures, not a third.
        if (clock.now() - renewedAt >= DURATION_S * 1000) return onLost(`it could not be renewed: ${errorText(error)}`);
      }
    }
  }
}

function refused(error: unknown): never {
  if (!(error instanceof ApiError)) throw error;
  throw new EnvironmentError(
    'E_LEASE',
    `cannot take the Lease that keeps two runs apart: ${error.message}`,
    'the credentials need to get, create, update and delete Leases in the namespace',
  );
}

const holderOf = (lease: KubeObject): string => String(lease.spec?.holderIdentity ?? '');

function isAlive(lease: KubeObject, holder: string, nowMs: number): boolean {
  const renewed = Date.parse(String(lease.spec?.renewTime ?? ''));
  const durationS = Number(lease.spec?.leaseDurationSeconds ?? DURATION_S);
  if (!(renewed + durationS * 1000 > nowMs)) return false;
  const [host, pid] = holder.split('/');
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Kubernetes' MicroTime: six decimals. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
