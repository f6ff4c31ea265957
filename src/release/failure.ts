import { EXIT, errorText, WeighbridgeError } from '../base/errors.js';
import type { RunEventBody } from './events.js';

/** The event for an error that ends the run. */
export function failure(error: unknown): RunEventBody {
  const known = error instanceof WeighbridgeError ? error : undefined;
  return {
    type: 'failed',
    code: known?.code ?? 'E_HARNESS',
    message: errorText(error),
    hint: known?.hint ?? '',
    exitCode: known?.exitCode ?? EXIT.environment,
  };
}

/**
 * Tells an event on a way that has to be walked to its end: putting the cluster back does not wait for a full disk. An event that cannot
 * be recorded is a failure of the run, and is told as such.
 */
export function tell(emit: (event: RunEventBody) => void, event: RunEventBody): void {
  try {
    emit(event);
  } catch (error) {
    try {
      emit(failure(error));
    } catch {
      // Nobody is left to be told.
    }
  }
}
