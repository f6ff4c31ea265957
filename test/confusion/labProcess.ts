import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reply, Request } from './labChild.js';
import type { StartLab } from './types.js';

/** A process that holds one lab after the other, so that the load's own work is not slowed by the mesh, as in `weighbridge run`. */
export class LabProcess {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./labChild.js', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

  readonly start: StartLab = async (options) => {
    const reply = await this.#ask({ start: options });
    if (!('lab' in reply)) throw new Error('error' in reply ? reply.error : 'the lab did not start');
    return {
      ...reply.lab,
      close: async () => {
        await this.#ask({ stop: true });
      },
    };
  };

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`the process of the lab ended with exit code ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (reply: Reply) => {
        this.#child.off('exit', ended);
        resolve(reply);
      });
      this.#child.send(request);
    });
  }
}
