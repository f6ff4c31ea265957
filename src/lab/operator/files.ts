import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../base/kubernetes.js';
import { type ContainerSpec, podSpec } from '../control/objects.js';
import { ContainerProblem } from '../control/programs.js';
import type { Store } from '../control/store.js';

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}
interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name?: string };
  readonly secret?: { readonly secretName?: string };
}
interface EnvEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
  };
}
interface EnvSource {
  readonly prefix?: string;
  readonly secretRef?: { readonly name: string };
  readonly configMapRef?: { readonly name: string };
}

/** The files and variables of one container, on this machine. */
export interface ContainerFiles {
  readonly env: Readonly<Record<string, string>>;
  /** A path or text of the container with its mounts where they really are. */
  here(text: string): string;
}

/**
 * Lays out what a container mounts below a folder, and puts its environment together.
 * @throws ContainerProblem as a kubelet words it when a ConfigMap or Secret is missing
 */
export function layOut(store: Store, pod: KubeObject, container: ContainerSpec, folder: string): ContainerFiles {
  const namespace = pod.metadata.namespace;
  const contents = (resource: 'configmaps' | 'secrets', name = ''): Record<string, string> => {
    const object = store.get(resource, namespace, name);
    if (!object) {
      const kind = resource === 'secrets' ? 'secret' : 'configmap';
      throw new ContainerProblem('CreateContainerConfigError', `${kind} "${name}" not found`);
    }
    const data = Object.entries((object.data ?? {}) as Record<string, string>);
    return Object.fromEntries(
      resource === 'configmaps' ? data : data.map(([key, text]) => [key, Buffer.from(text, 'base64').toString('utf8')]),
    );
  };

  const volumes = (podSpec(pod).volumes ?? []) as readonly Volume[];
  const mounts = (container.volumeMounts ?? []) as readonly Mount[];
  for (const { name, mountPath } of mounts) {
    const volume = volumes.find((candidate) => candidate.name === name);
    const files = volume?.configMap
      ? contents('configmaps', volume.configMap.name)
      : volume?.secret
        ? contents('secrets', volume.secret.secretName)
        : {};
    const target = join(folder, mountPath);
    mkdirSync(target, { recursive: true });
    for (const [key, text] of Object.entries(files)) writeFileSync(join(target, key), text);
  }
  const here = (text: string): string =>
    mounts.reduce(
      (moved, { mountPath }) =>
        moved.replace(new RegExp(`(^|=)${mountPath}(?=/|$)`), (_, before: string) => before + join(folder, mountPath)),
      text,
    );

  const env: Record<string, string> = {};
  for (const { prefix = '', secretRef, configMapRef } of (container.envFrom ?? []) as readonly EnvSource[]) {
    const source = secretRef ? contents('secrets', secretRef.name) : contents('configmaps', configMapRef?.name);
    for (const [key, value] of Object.entries(source)) env[prefix + key] = value;
  }
  for (const { name, value = '', valueFrom } of (container.env ?? []) as readonly EnvEntry[]) {
    const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
    const found = secretKeyRef
      ? contents('secrets', secretKeyRef.name)[secretKeyRef.key]
      : configMapKeyRef && contents('configmaps', configMapKeyRef.name)[configMapKeyRef.key];
    env[name] = found ?? expand(value, env);
  }
  return {
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, here(value)])),
    here: (text) => here(expand(text, env)),
  };
}

/** `$(NAME)` of a variable that is known, `$$` for a dollar, as the kubelet reads commands and values. */
function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([\w.-]+)\)/g, (found, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? found),
  );
}
