import type { KubeObject } from '../base/kubernetes.js';
import { AppRegistry } from './apps/registry.js';
import type { PodProcess } from './control/kubelet.js';
import type { PodProxy } from './control/podProxy.js';
import { RunningPod, type RuntimeOptions } from './runningPod.js';

/** Turns pods into listeners: applications, and a sidecar where one was injected. */
export class PodRuntime {
  private readonly options: RuntimeOptions;
  private readonly registry = new AppRegistry();
  private readonly sidecars = new Map<string, PodProxy>();
  private readonly pods = new Map<string, RunningPod>();

  constructor(options: RuntimeOptions) {
    this.options = options;
  }

  /** Real port behind a port of a pod, as a process inside the pod reaches it. */
  localPort(namespace: string, pod: string, port: number): number | undefined {
    const key = `${namespace}/${pod}`;
    return this.sidecars.get(key)?.port(port) ?? this.pods.get(key)?.localPort(port);
  }

  /** In a zone that has failed: nothing outside of the pod reaches it. */
  cutOff(pod: KubeObject): boolean {
    const { faults, zoneOf } = this.options;
    return faults?.zoneOutage !== undefined && zoneOf?.(pod) === faults.zoneOutage;
  }

  run(pod: KubeObject, ip: string): PodProcess {
    const process = new RunningPod(this.options, this.registry, pod, ip, this.cutOff(pod));
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
