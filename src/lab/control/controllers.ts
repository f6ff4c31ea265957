import type { Controller } from './context.js';
import type { Store } from './store.js';

/** Rounds after which a batch of reconciliation yields to the event loop; a bound against two controllers that disagree. */
const MAX_ROUNDS = 50;

/**
 * Runs controllers whenever a resource that one of them reads has changed, until none of them changes anything.
 * A controller that throws is reported and does not keep the others from working.
 */
export function runControllers(
  store: Store,
  controllers: readonly Controller[],
  onError: (error: unknown) => void,
): { settle(): void; close(): void } {
  const watched = new Set(controllers.flatMap((controller) => controller.resources));
  let pending: NodeJS.Immediate | undefined;
  let running = false;

  const settle = () => {
    running = true;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const before = store.resourceVersion;
      for (const controller of controllers) {
        try {
          controller.reconcile();
        } catch (error) {
          onError(error);
        }
      }
      if (store.resourceVersion === before) break;
    }
    running = false;
  };
  const unsubscribe = store.subscribe((event) => {
    if (running || pending || !watched.has(event.resource)) return;
    pending = setImmediate(() => {
      pending = undefined;
      settle();
    });
  });
  return {
    settle,
    close() {
      unsubscribe();
      if (pending) clearImmediate(pending);
    },
  };
}
