import type { KubeObject } from '../base/kubernetes.js';
import { AppRegistry } from './apps/registry.js';
import type { PodProcess } from './control/kubelet.js';
import { workloadOf } from './control/objects.js';
import type { PodProxy } from './control/podProxy.js';
import { RunningPod, type RuntimeOptions } from './runningPod.js';

/** Turns pods into listeners: applications, and a sidecar where one was injected. */
export class PodRuntime {
  private readonly options: RuntimeOptions;
  private readonly registry = new AppRegistry();
  private readonly sidecars = new Map<string, PodProxy>();
  private readonly pods = new Map<string, RunningPod>();
  /** Workload -> pods that have still to start in the failed zone. */
  private readonly failing: Map<string, number>;

  constructor(options: RuntimeOptions) {
    this.options = options;
    this.failing = new Map(Object.entries(options.faults?.zoneOutage ?? {}));
  }

  /** Real port behind a port of a pod, as a process inside the pod reaches it. */
  localPort(namespace: string, pod: string, port: number): number | undefined {
    const key = `${namespace}/${pod}`;
    return this.sidecars.get(key)?.port(port) ?? this.pods.get(key)?.localPort(port);
  }

  private liesInFailedZone(pod: KubeObject): boolean {
    const left = this.failing.get(workloadOf(pod)) ?? 0;
    if (left > 0) this.failing.set(workloadOf(pod), left - 1);
    return left > 0;
  }

  run(pod: KubeObject, ip: string): PodProcess {
    const process = new RunningPod(this.options, this.registry, pod, ip, this.liesInFailedZone(pod));
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const running = process.start().then(async (sidecar) => {
      await process.startPrograms();
      if (sidecar) this.sidecars.set(key, sidecar);
      this.pods.set(key, process);
    });
    const ready = running.then(() => process.serve());
    // The kubelet awaits both in turn; a stop in between must not be an unhandled rejection.
    running.catch(() => undefined);
    ready.catch(() => undefined);
    return {
      running,
      ready,
      onProxyHealth: (listener) => {
        process.onProxyHealth = listener;
      },
      ended: process.exited,
      stop: async () => {
        if (this.pods.get(key) === process) {
          this.sidecars.delete(key);
          this.pods.delete(key);
        }
        await process.stop();
      },
    };
  }
}
