import type { Worker, WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread from the built package. The same address fits this file's source and what is built from it, so that tests, which run
 * the sources, start threads too.
 * @param name of a file of this folder, without its extension.
 */
export function startThread(name: 'pacer' | 'sender', options: WorkerOptions): Worker {
  // Loaded when a thread is asked for.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  return new Worker(new URL(`../../../dist/load/threads/${name}.js`, import.meta.url), options);
}
