import { systemClock } from '../../src/base/clock.js';
import { errorText } from '../../src/base/errors.js';
import { type Lab, type LabOptions, startLab } from '../../src/lab/lab.js';
import type { LabHandle } from './types.js';

/** Asked of the process that holds the labs. */
export type Request = { readonly start: LabOptions } | { readonly stop: true };
export type Reply =
  | { readonly lab: Omit<LabHandle, 'close'> }
  | { readonly stopped: true }
  | { readonly error: string };

let lab: Lab | undefined;

const reply = (message: Reply): void => void process.send?.(message);

async function serve(request: Request): Promise<void> {
  if ('stop' in request) {
    await lab?.close();
    lab = undefined;
    return reply({ stopped: true });
  }
  lab = await startLab({ ...request.start, clock: systemClock });
  const { kubeconfig, baseUrl, prometheusUrl, kialiUrl } = lab;
  reply({ lab: { kubeconfig, baseUrl, prometheusUrl, kialiUrl } });
}

process.on('message', (request: Request) => {
  serve(request).catch((error: unknown) => reply({ error: errorText(error) }));
});
process.on('disconnect', () => process.exit());
